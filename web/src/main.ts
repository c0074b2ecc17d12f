import "./style.css";
import { api, Failure, onSignedOut, type Server } from "./api";
import { button, h, icon, svg, toast } from "./dom";
import { streamsView } from "./streams";
import { streamView } from "./stream";
import { clockTime, zone } from "./time";

/** View is a page: its element, and what ends it. */
export interface View { element: HTMLElement; title: string; close(): void }

export interface Context {
  server: Server;
  now(): number; // by the server's clock
  go(hash: string, replace?: boolean): void;
}

const app = document.getElementById("app")!;
const main = h("main", { id: "main", tabindex: "-1" });
let server: Server | null = null, offset = 0, view: View | null = null;

const context: Context = {
  get server() { return server!; },
  now: () => Date.now() + offset,
  go(hash, replace) {
    if (replace) { history.replaceState(null, "", hash); return; }
    if (location.hash === hash) show();
    else location.hash = hash;
  },
};

// theme: that of the system, or the one that was chosen

const themes = ["auto", "light", "dark"] as const;
const themeIcons = { auto: "auto", light: "sun", dark: "moon" } as const;
let theme: (typeof themes)[number] = themes.find(t => t === stored("theme")) ?? "auto";

function stored(key: string): string | null { try { return localStorage.getItem("weir-" + key); } catch { return null; } }

function applyTheme(): void {
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("weir-theme", theme); } catch { /* not kept then */ }
  themeButton.replaceChildren(icon(themeIcons[theme]));
  themeButton.title = `Colours: ${theme}`;
  themeButton.setAttribute("aria-label", `Colours: ${theme}. Change`);
  window.dispatchEvent(new Event("weir-theme"));
}

const themeButton = button("Colours", { class: "quiet square", text: false }, () => {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length]!;
  applyTheme();
});

// the frame of each page

const mark = svg("svg", { viewBox: "0 0 32 32", class: "mark", "aria-hidden": "true" },
  svg("path", { d: "M5 11.500c3.6 0 3.6 2.6 7.3 2.600s3.7-2.6 7.4-2.6 3.7 2.6 7.3 2.600M5 19.500c3.6 0 3.6 2.6 7.3 2.600s3.7-2.6 7.4-2.6 3.7 2.6 7.3 2.6" }));
const crumbs = h("span", { class: "crumb" });
const clock = h("time", { class: "clock", "aria-hidden": "true" });
const account = h("div", { class: "account" });

function frame(): void {
  app.replaceChildren(
    h("a", { class: "skip", href: "#main", onclick: (e: Event) => { e.preventDefault(); main.focus(); } }, "Skip to the content"),
    h("header", { class: "bar" },
      h("a", { class: "brand", href: "#/", "aria-label": "Weir: all streams" }, mark, h("span", null, "Weir")),
      crumbs, h("span", { class: "grow" }), clock, account, themeButton),
    main,
    h("footer", { class: "foot" }, h("span", null, `Weir ${server?.version ?? ""}`), h("span", null, `Times are of ${zone}`),
      server?.lacks.length ? h("span", { class: "lacks" }, icon("warn"), server.lacks.join(", ")) : null,
      h("a", { href: "api/openapi.json" }, "API of this page")));
  account.replaceChildren();
  if (server?.signIn && server.signedIn) {
    account.append(h("span", { class: "who", title: "signed in as" }, server.user), button("Sign out", { class: "quiet square", icon: "out", text: false }, async () => {
      try { server = await api.signOut(); } catch (e) { toast(String((e as Error).message), true); }
      show();
    }));
  } else if (server && !server.signIn) {
    account.append(h("span", { class: "pill", title: "This server has no credentials: it is for this machine alone, and the console only looks." }, "open on this machine"));
  }
}

function tick(): void {
  const t = context.now();
  clock.textContent = clockTime(t);
  clock.dateTime = new Date(t).toISOString();
}

function show(): void {
  view?.close();
  view = null;
  frame();
  if (server!.signIn && !server!.signedIn) view = signInView();
  else {
    const [path = "", params = ""] = location.hash.replace(/^#/, "").split("?");
    const name = /^\/s\/(.+)$/.exec(path)?.[1];
    view = name ? streamView(context, decodeURIComponent(name), new URLSearchParams(params)) : streamsView(context);
  }
  crumbs.replaceChildren(...(view.title ? [h("span", { "aria-hidden": "true" }, "/"), h("span", { class: "name" }, view.title)] : []));
  document.title = view.title ? `${view.title} · Weir` : "Weir";
  main.replaceChildren(view.element);
  window.scrollTo(0, 0);
}

function signInView(): View {
  const id = h("input", { id: "key", name: "username", autocomplete: "username", spellcheck: "false", autocapitalize: "off", required: true });
  const secret = h("input", { id: "secret", name: "password", type: "password", autocomplete: "current-password", required: true });
  const token = h("input", { id: "token", name: "token", type: "password", autocomplete: "off" });
  const error = h("p", { class: "problem", role: "alert", hidden: true });
  const submit = h("button", { type: "submit", class: "primary wide" }, "Sign in");
  const form = h("form", {
    class: "signin", "aria-labelledby": "signin-title", onsubmit: async (e: Event) => {
      e.preventDefault();
      submit.disabled = true;
      error.hidden = true;
      try {
        server = await api.signIn(id.value.trim(), secret.value, token.value);
        show();
      } catch (e) {
        error.replaceChildren(icon("warn"), (e as Error).message);
        error.hidden = false;
        secret.select();
      } finally { submit.disabled = false; }
    },
  },
  h("h1", { id: "signin-title" }, "Sign in"),
  h("p", { class: "lead" }, "With an access key of this server’s credentials file. You see what its user may see."),
  h("label", { for: "key" }, "Access key ID"), id, h("label", { for: "secret" }, "Secret access key"), secret,
  h("details", null, h("summary", null, "Session token"), h("label", { for: "token", class: "offscreen" }, "Session token"), token),
  error, submit);
  const refused = h("div", { class: "signin" }, h("h1", null, "Not over this connection"),
    h("p", { class: "lead" }, "Access keys are taken over TLS only. Open the console by https://, or on the server’s own machine; ", h("code", null, "weir serve --tls-cert … --tls-key …"), " gives the server a certificate."));
  queueMicrotask(() => { if (server!.secure) id.focus(); });
  return { element: h("div", { class: "centre" }, server!.secure ? form : refused), title: "", close() {} };
}

async function start(): Promise<void> {
  app.replaceChildren(h("div", { class: "centre" }, h("p", { class: "muted", role: "status" }, "Loading…")));
  try {
    server = await api.server();
    offset = server.now - Date.now();
  } catch (e) {
    const message = e instanceof Failure ? e.message : String(e);
    app.replaceChildren(h("div", { class: "centre" }, h("div", { class: "empty" }, icon("warn"), h("h1", null, "Weir does not answer"), h("p", null, message), button("Try again", { class: "primary" }, () => void start()))));
    return;
  }
  show();
}

onSignedOut(() => { if (server?.signedIn) { server = { ...server, signedIn: false, user: "" }; show(); toast("The session has ended: sign in again.", true); } });
window.addEventListener("hashchange", () => { if (server) show(); });
applyTheme();
setInterval(tick, 1000);
tick();
void start();
