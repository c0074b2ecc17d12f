import { api, type StreamState } from "./api";
import { button, h, icon } from "./dom";
import type { Context, View } from "./main";
import { ago, full, retention } from "./time";

const every = 5_000; // ms between looks at the list

/** streamsView lists the streams, each with its last picture and whether it is live. */
export function streamsView(cx: Context): View {
  const count = h("span", { class: "count", "aria-live": "polite" });
  const search = h("input", { type: "search", placeholder: "Find a stream", "aria-label": "Find a stream by its name", spellcheck: "false", autocapitalize: "off" });
  const grid = h("ul", { class: "grid", "aria-label": "Streams" });
  const more = button("Show more", { class: "more", hidden: true }, () => void load(true));
  const note = h("div", { class: "note" });
  const element = h("section", { class: "page" },
    h("div", { class: "head" }, h("h1", null, "Streams"), count, h("span", { class: "grow" }), h("label", { class: "search" }, icon("search"), search)), note, grid, more);
  const cards = new Map<string, Card>();
  let next = "", pages = 1, abort = new AbortController(), timer = 0, closed = false;

  async function load(further = false): Promise<void> {
    clearTimeout(timer);
    abort.abort();
    abort = new AbortController();
    if (further) pages++;
    try {
      const all: StreamState[] = [];
      let after = "";
      for (let i = 0; i < pages; i++) {
        const out = await api.streams(search.value.trim(), after, abort.signal);
        all.push(...out.streams);
        after = next = out.next;
        if (!after) break;
      }
      if (!closed) render(all);
    } catch (e) {
      if (closed || e instanceof DOMException) return;
      note.replaceChildren(h("p", { class: "problem", role: "alert" }, icon("warn"), (e as Error).message, button("Try again", {}, () => void load())));
    }
    if (!closed) timer = window.setTimeout(() => { if (document.hidden) timer = window.setTimeout(load, every); else void load(); }, every);
  }

  function render(all: StreamState[]): void {
    grid.classList.remove("waiting");
    note.replaceChildren();
    const live = all.filter(s => stateOf(s)[1] === "live").length;
    count.textContent = all.length === 0 ? "" : `${all.length}${next ? "+" : ""}${live ? `, ${live} live` : ""}`;
    more.hidden = !next;
    for (const name of cards.keys()) if (!all.some(s => s.name === name)) cards.delete(name);
    const items: HTMLElement[] = [];
    for (const s of all) {
      let c = cards.get(s.name);
      if (!c) cards.set(s.name, c = new Card(cx, s.name));
      c.show(s);
      items.push(c.element);
    }
    if (items.length !== grid.children.length || items.some((e, i) => grid.children[i] !== e)) grid.replaceChildren(...items);
    if (all.length > 0) return;
    note.replaceChildren(search.value ? h("div", { class: "empty" }, icon("search"), h("h2", null, "No stream has that in its name"), button("Show all", {}, () => { search.value = ""; void load(); }))
      : h("div", { class: "empty" }, icon("camera"), h("h2", null, "No streams yet"), h("p", null, "A stream is made by the first upload that asks for it:"),
        h("pre", null, h("code", null, `weir put --create --retention 24h --endpoint ${cx.server.endpoint} door video.mkv`))));
  }

  let typed = 0;
  search.addEventListener("input", () => { clearTimeout(typed); typed = window.setTimeout(() => { pages = 1; void load(); }, 200); });
  grid.classList.add("waiting");
  grid.append(...Array.from({ length: 6 }, () => h("li", { class: "card skeleton", "aria-hidden": "true" }, h("div", { class: "picture" }), h("div", { class: "text" }, h("i"), h("i")))));
  void load();
  return { element, title: "", close() { closed = true; clearTimeout(timer); clearTimeout(typed); abort.abort(); } };
}

class Card {
  readonly element: HTMLElement;
  private badge = h("span", { class: "badge" });
  private image = h("img", { alt: "", loading: "lazy", hidden: true });
  private facts = h("p", { class: "facts" });
  private pictured: number | null = null; // when what is shown was recorded

  constructor(private cx: Context, private name: string) {
    this.element = h("li", { class: "card" }, h("a", { href: `#/s/${encodeURIComponent(name)}` },
      h("div", { class: "picture" }, h("span", { class: "stand-in", "aria-hidden": "true" }, icon("camera")), this.image, this.badge),
      h("div", { class: "text" }, h("h2", null, name), this.facts)));
    this.image.addEventListener("load", () => { this.image.hidden = false; });
    this.image.addEventListener("error", () => { this.image.hidden = true; });
  }

  show(s: StreamState): void {
    const [text, kind] = stateOf(s);
    this.badge.textContent = text;
    this.badge.className = "badge " + kind;
    this.facts.replaceChildren(s.newest ? h("span", { title: full(s.newest.arrived) }, s.live ? `last fragment ${ago(s.newest.arrived, this.cx.now())}` : `last seen ${ago(s.newest.arrived, this.cx.now())}`)
      : h("span", null, "nothing recorded"), h("span", null, retention(s.retentionHours)));
    if (!this.cx.server.pictures || !s.newest || s.retentionHours === 0) return;
    // A live picture is renewed every ten seconds or so.
    if (this.pictured !== null && s.newest.start - this.pictured < 10_000 && s.newest.start >= this.pictured) return;
    this.pictured = s.newest.start;
    this.image.src = api.picture(this.name, "producer", s.newest.start, 480);
  }
}

/** stateOf says in a word or two how a stream does. */
export function stateOf(s: StreamState): [text: string, kind: string] {
  if (s.live && s.newest && Math.abs(s.newest.arrived - s.newest.end) < 300_000) return ["Live", "live"];
  if (s.live) return ["Receiving", "connected"]; // what arrives is of another time
  if (s.uploads > 0) return ["Connected", "connected"];
  return s.newest ? ["Off", "off"] : ["Empty", "off"];
}
