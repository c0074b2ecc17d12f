import { api, Failure, type Clock, type Day, type Mode, type Protocol, type Span, type Stream } from "./api";
import { button, choice, copy, h, icon, toast } from "./dom";
import { FragmentTable } from "./fragments";
import type { Context, View } from "./main";
import { Player } from "./player";
import { Snippets } from "./snippets";
import { stateOf } from "./streams";
import { family, find, Timeline } from "./timeline";
import { addDays, ago, bytes, clockTime, dayEnd, dayKey, dayName, dayStart, fromKey, length, retention } from "./time";

const stateEvery = 5_000, dayEvery = 12_000; // ms between looks

/** streamView shows a day of a stream, and plays it. */
export function streamView(cx: Context, name: string, params: URLSearchParams): View {
  let stream: Stream | null = null, day: Day | null = null, closed = false, stateTimer = 0, dayTimer = 0;
  let clock: Clock = params.get("clock") === "server" ? "server" : "producer";
  let start = fromKey(params.get("day") ?? "") ?? 0; // 0: the newest day, once that is known
  let mode: Mode = "ON_DEMAND", protocol: Protocol = "HLS";
  let dayAbort = new AbortController();

  // head

  const badge = h("span", { class: "badge off" }, "…");
  const facts = h("p", { class: "facts" });
  const tags = h("div", { class: "tags" });
  const note = h("div", { class: "note" });
  const date = h("input", { type: "date", "aria-label": "Day", required: true });
  date.addEventListener("change", () => { const t = fromKey(date.value); if (t !== null) openDay(t); });
  const earlier = button("Earlier day", { class: "square", icon: "back", text: false }, () => openDay(addDays(start, -1)));
  const later = button("Later day", { class: "square", icon: "next", text: false }, () => openDay(addDays(start, 1)));
  const today = button("Today", {}, () => openDay(dayStart(cx.now())));
  const clocks = choice<Clock>("Clock of the times", [["producer", "Camera clock"], ["server", "Server clock"]], clock, v => { clock = v; player.stop(); overlay("idle"); openDay(start || dayStart(cx.now())); });

  // player

  const video = h("video", { controls: true, playsinline: true, preload: "auto", "aria-label": `Player of ${name}` });
  video.muted = true; // most cameras have no sound, and browsers play only what is silent without being asked
  const cover = h("div", { class: "cover" });
  const status = h("p", { class: "status", role: "status" });
  const stage = h("div", { class: "stage" }, video, cover, status);
  const playing = h("time", { class: "playing-at" });
  const player = new Player(video, {
    state(text) { status.textContent = text; status.hidden = !text; if (!text) overlay("none"); },
    failed(text) { status.hidden = true; overlay("failed", text); },
    time(at) {
      timeline.setHead(at);
      playing.textContent = at === null ? "" : clockTime(at);
      playing.dateTime = at === null ? "" : new Date(at).toISOString();
    },
  });
  const modes = choice<Mode>("How to play", [["ON_DEMAND", "On demand"], ["LIVE_REPLAY", "Replay"], ["LIVE", "Live"]], mode, v => { mode = v; play(v === "LIVE" ? null : lastAt ?? timeline.position); });
  const protocols = choice<Protocol>("Protocol", [["HLS", "HLS"], ["DASH", "DASH"]], protocol, v => { protocol = v; if (player.session) play(mode === "LIVE" ? null : player.now() ?? lastAt); });
  const copyURL = button("Copy session URL", { icon: "copy", disabled: true }, () => { if (player.session) void copy(location.origin + player.session.url); });
  const stopButton = button("Stop", { disabled: true }, () => { player.stop(); overlay("idle"); });
  let lastAt: number | null = null;

  function overlay(kind: "idle" | "none" | "failed" | "opening", text = ""): void {
    cover.hidden = kind === "none" || kind === "opening";
    stopButton.disabled = copyURL.disabled = kind === "idle" || kind === "failed";
    if (kind === "idle") {
      status.hidden = true;
      cover.replaceChildren(...(day && day.spans.length === 0 ? [h("p", null, "Nothing to play on this day")] : [
        button("Play from the cursor", { class: "big", icon: "play", text: false }, () => play(timeline.position)), h("p", null, "Click the timeline to play from there")]));
    } else if (kind === "failed") {
      cover.replaceChildren(icon("warn"), h("p", { role: "alert" }, text), button("Try again", {}, () => play(mode === "LIVE" ? null : lastAt)));
    }
  }

  function play(at: number | null): void {
    if (!stream) return;
    const may = protocol === "HLS" ? stream.rights.hls : stream.rights.dash;
    if (!may) { toast(`Your access key may not open ${protocol} sessions.`, true); return; }
    if (at !== null) {
      if (mode === "LIVE") { mode = "ON_DEMAND"; modes.set(mode); }
      const spans = day?.spans ?? [];
      if (!find(spans, at)) { // into the next that is recorded
        const wanted = at, next = spans.find(s => s[0] >= wanted);
        if (!next) { toast("Nothing is recorded behind that."); return; }
        at = next[0];
      }
      lastAt = at;
      timeline.setCursor(at);
    }
    overlay("opening");
    stopButton.disabled = copyURL.disabled = false;
    void player.play({ name, protocol, mode, clock, at: at ?? undefined, day });
    if (innerWidth < 720) stage.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  // timeline

  const peek = h("img", { class: "peek", alt: "", hidden: true });
  peek.addEventListener("load", () => { peek.hidden = false; });
  peek.addEventListener("error", () => { peek.hidden = true; });
  let peekTimer = 0;
  const timeline = new Timeline({
    play: at => play(at),
    select: s => showClip(s),
    view: () => { shown(); },
    hover(at, x) {
      clearTimeout(peekTimer);
      if (at === null || !cx.server.pictures || !stream?.rights.image) { peek.hidden = true; return; }
      peek.style.left = `${Math.min(Math.max(x, 90), timeline.element.clientWidth - 90)}px`;
      peekTimer = window.setTimeout(() => { peek.src = api.picture(name, clock, at - (at % 1000), 180); }, 150);
    },
  }, cx.now);
  const summary = h("p", { class: "summary", "aria-live": "polite" });
  const legend = h("ul", { class: "legend", "aria-label": "Colours of the timeline" }, ...[["recorded", "recorded"], ["gap", "missing"], ["overlap", "recorded twice"], ["change", "codec changes"]].map(([k, t]) => h("li", null, h("i", { class: k }), t)));
  const selectMode = button("Select a clip", { icon: "cut", "aria-pressed": "false", title: "Drags on the timeline select (with a mouse they always do)" }, () => {
    timeline.selecting = !timeline.selecting;
    selectMode.setAttribute("aria-pressed", String(timeline.selecting));
    if (timeline.selecting && !timeline.selected) { // something to take hold of
      const [a, b] = timeline.range, at = timeline.position, size = (b - a) / 20;
      timeline.setSelection([at, Math.min(at + size, dayEnd(start))]);
      showClip(timeline.selected);
    }
  });
  const tools = h("div", { class: "tools" }, h("h2", null, "Timeline"), summary, h("span", { class: "grow" }), selectMode,
    h("div", { class: "choice", role: "group", "aria-label": "Zoom" }, button("Zoom out", { class: "square", icon: "minus", text: false }, () => timeline.zoom(2)),
      button("Zoom in", { class: "square", icon: "plus", text: false }, () => timeline.zoom(0.5)), button("Whole day", { class: "square", icon: "fit", text: false }, () => timeline.fit())));

  // clip

  const clipFrom = h("input", { type: "time", step: "1", "aria-label": "Start of the clip" }), clipTo = h("input", { type: "time", step: "1", "aria-label": "End of the clip" });
  const clipText = h("span", { class: "muted" });
  const clipProblem = h("p", { class: "problem", role: "alert", hidden: true });
  const download = button("Download MP4", { class: "primary", icon: "download" }, () => void saveClip());
  const clip = h("div", { class: "clip", role: "group", "aria-label": "Clip", hidden: true }, h("h2", null, icon("cut"), "Clip"), h("div", { class: "ends" }, clipFrom, h("span", { "aria-hidden": "true" }, "–"), clipTo), clipText, h("span", { class: "grow" }),
    button("Play", { icon: "play" }, () => { if (timeline.selected) play(timeline.selected[0]); }), button("Zoom to it", { icon: "fit" }, () => { if (timeline.selected) timeline.zoomTo(timeline.selected); }), download,
    button("Take the clip away", { class: "quiet square", icon: "close", text: false }, () => { timeline.setSelection(null); showClip(null); }), clipProblem);
  const ofDay = (value: string): number | null => {
    const m = /^(\d\d):(\d\d)(?::(\d\d))?/.exec(value);
    if (!m) return null;
    const d = new Date(start);
    d.setHours(Number(m[1]), Number(m[2]), Number(m[3] ?? 0));
    return d.getTime();
  };
  const typed = () => {
    const a = ofDay(clipFrom.value), b = ofDay(clipTo.value);
    if (a === null || b === null || b <= a) { clipText.textContent = "the end has to lie behind the start"; download.disabled = true; return; }
    timeline.setSelection([a, b]);
    showClip([a, b]);
  };
  clipFrom.addEventListener("change", typed);
  clipTo.addEventListener("change", typed);

  function showClip(s: Span | null): void {
    clip.hidden = !s;
    clipProblem.hidden = true;
    if (!s) { shown(); return; }
    clipFrom.value = clockTime(s[0]);
    clipTo.value = clockTime(s[1]);
    let recorded = 0;
    for (const [a, b] of day?.spans ?? []) recorded += Math.max(0, Math.min(b, s[1]) - Math.max(a, s[0]));
    clipText.textContent = recorded === 0 ? "nothing recorded in it" : recorded < s[1] - s[0] - 100 ? `${length(s[1] - s[0])}, ${length(recorded)} of it recorded` : length(s[1] - s[0]);
    download.disabled = recorded === 0 || !stream?.rights.clip;
    shown();
  }

  async function saveClip(): Promise<void> {
    const s = timeline.selected;
    if (!s) return;
    clipProblem.hidden = true;
    download.disabled = true;
    try {
      const r = { name, clock, from: s[0], to: s[1] };
      const { bytes: size, truncated } = await api.clipSize(r);
      const a = h("a", { href: api.clip(r), download: "" });
      document.body.append(a);
      a.click();
      a.remove();
      toast(truncated ? `Downloading ${bytes(size)}: the server cuts clips off at its limit of ${truncated}` : `Downloading ${bytes(size)}`, truncated !== "");
    } catch (e) {
      clipProblem.replaceChildren(icon("warn"), (e as Error).message);
      clipProblem.hidden = false;
    } finally { download.disabled = false; }
  }

  // below: fragments, SDK calls, what the day has

  const table = new FragmentTable(f => play(clock === "producer" ? f.producer : f.server), cx.now);
  const snippets = new Snippets();
  const codecs = h("div", { class: "codecs" });
  const panels: [string, HTMLElement][] = [["Fragments", table.element], ["Codecs", codecs], ["SDK calls", snippets.element]];
  let open = 0;
  const tabs = panels.map(([text, panel], i) => {
    panel.id = `panel-${i}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", `tab-${i}`);
    return h("button", { type: "button", role: "tab", id: `tab-${i}`, "aria-controls": `panel-${i}`, onclick: () => showPanel(i), onkeydown: (e: KeyboardEvent) => {
      const to = e.key === "ArrowRight" ? i + 1 : e.key === "ArrowLeft" ? i - 1 : -1;
      if (to >= 0 && to < tabs.length) { showPanel(to); tabs[to]!.focus(); }
    } }, text);
  });
  function showPanel(i: number): void {
    open = i;
    tabs.forEach((t, j) => { t.setAttribute("aria-selected", String(i === j)); t.tabIndex = i === j ? 0 : -1; });
    panels.forEach(([, p], j) => { p.hidden = i !== j; });
    shown();
  }

  let shownTimer = 0;
  /** shown has the panels follow the timeline. */
  function shown(): void {
    clearTimeout(shownTimer);
    shownTimer = window.setTimeout(() => {
      if (closed || !day) return;
      const [a, b] = timeline.selected ?? timeline.range;
      const r = { name, clock, from: Math.floor(a), to: Math.max(Math.floor(a) + 1, Math.ceil(b)) };
      if (open === 0) table.show(r);
      snippets.show({ ...r, endpoint: cx.server.endpoint, region: cx.server.region });
    }, 250);
  }

  const element = h("section", { class: "page stream" },
    h("div", { class: "head" }, h("div", { class: "title" }, h("h1", null, name), badge), facts, tags),
    note,
    h("div", { class: "daybar" }, h("div", { class: "days" }, earlier, date, later, today), h("span", { class: "grow" }), clocks.element),
    h("div", { class: "player" }, stage, h("div", { class: "controls" }, modes.element, protocols.element, playing, h("span", { class: "grow" }), copyURL, stopButton)),
    h("div", { class: "strip" }, tools, h("div", { class: "holder" }, peek, timeline.element), legend, clip),
    h("div", { class: "panels" }, h("div", { class: "tabs", role: "tablist", "aria-label": "More about the day" }, tabs), panels.map(([, p]) => p)));

  // data

  async function loadState(): Promise<void> {
    clearTimeout(stateTimer);
    try {
      stream = await api.stream(name);
      if (closed) return;
      const s = stream.stream, [text, kind] = stateOf(s);
      badge.textContent = text;
      badge.className = "badge " + kind;
      facts.replaceChildren(...[s.newest ? `last fragment ${ago(s.newest.arrived, cx.now())}` : "nothing recorded", retention(s.retentionHours), s.uploads ? `${s.uploads} upload${s.uploads > 1 ? "s" : ""} open` : "", s.device, s.mediaType].filter(Boolean).map(t => h("span", null, t)));
      tags.replaceChildren(...Object.entries(stream.tags).map(([k, v]) => h("span", { class: "tag" }, h("b", null, k), v)));
      modes.enable("LIVE", s.live, "The stream is not live.");
      protocols.enable("HLS", stream.rights.hls, "Your access key may not open HLS sessions.");
      protocols.enable("DASH", stream.rights.dash, "Your access key may not open DASH sessions.");
      selectMode.disabled = !stream.rights.clip;
      if (!stream.rights.hls && stream.rights.dash && protocol === "HLS") protocols.set(protocol = "DASH");
      if (start === 0) openDay(dayStart(s.newest ? (clock === "producer" ? s.newest.start : s.newest.arrived) : cx.now()));
    } catch (e) {
      if (closed) return;
      badge.textContent = "?";
      if (e instanceof Failure && e.status === 404) {
        element.replaceChildren(h("div", { class: "empty" }, icon("camera"), h("h1", null, "There is no stream of that name"), h("p", null, name), h("a", { class: "button primary", href: "#/" }, "All streams")));
        return;
      }
      note.replaceChildren(h("p", { class: "problem", role: "alert" }, icon("warn"), (e as Error).message, button("Try again", {}, () => { note.replaceChildren(); void loadState(); })));
    }
    stateTimer = window.setTimeout(function again() { if (document.hidden) stateTimer = window.setTimeout(again, stateEvery); else void loadState(); }, stateEvery);
  }

  function openDay(t: number): void {
    const same = t === start && day !== null;
    start = t;
    date.value = dayKey(t);
    later.disabled = addDays(t, 1) > Math.max(cx.now(), stream?.stream.newest?.start ?? 0);
    cx.go(`#/s/${encodeURIComponent(name)}?day=${dayKey(t)}${clock === "server" ? "&clock=server" : ""}`, true);
    if (!same || !player.session) { player.stop(); lastAt = null; }
    day = null;
    showClip(null);
    timeline.show(null, [start, dayEnd(start)], false);
    summary.textContent = "Loading…";
    element.classList.add("waiting");
    void loadDay(false);
  }

  async function loadDay(keep: boolean): Promise<void> {
    clearTimeout(dayTimer);
    dayAbort.abort();
    const abort = dayAbort = new AbortController();
    try {
      const got = await api.day({ name, clock, from: start, to: dayEnd(start) }, abort.signal);
      if (closed) return;
      day = got;
      element.classList.remove("waiting");
      if (!keep) note.replaceChildren();
      timeline.show(day, [start, dayEnd(start)], keep);
      describe();
      if (!keep) { overlay("idle"); const at = Number(params.get("at")); if (at) { params.delete("at"); timeline.setCursor(at); } shown(); }
    } catch (e) {
      if (closed || e instanceof DOMException) return;
      element.classList.remove("waiting");
      summary.textContent = "";
      note.replaceChildren(h("p", { class: "problem", role: "alert" }, icon("warn"), (e as Error).message, button("Try again", {}, () => { note.replaceChildren(); void loadDay(false); })));
    }
    // The day of today grows.
    if (cx.now() < dayEnd(start) + 60_000) dayTimer = window.setTimeout(function again() { if (document.hidden || !stream?.stream.live) dayTimer = window.setTimeout(again, dayEvery); else void loadDay(true); }, dayEvery);
  }

  function describe(): void {
    const d = day!;
    const recorded = d.spans.reduce((n, s) => n + Math.min(s[1], dayEnd(start)) - Math.max(s[0], start), 0);
    if (d.spans.length === 0) {
      summary.textContent = "";
      const jump = (t: number | null, text: string) => t === null ? null : button(`${text}: ${dayName(t)}`, {}, () => openDay(dayStart(t)));
      note.replaceChildren(h("div", { class: "nothing" }, h("p", null, stream?.stream.retentionHours === 0 ? "This stream keeps nothing: its retention is 0 hours." : `Nothing is recorded on ${dayName(start)}.`), jump(d.earlier, "Before that"), jump(d.later, "After that")));
    } else {
      const parts = [length(recorded), `${d.fragments.toLocaleString("en")} fragment${d.fragments === 1 ? "" : "s"}`, bytes(d.bytes)];
      if (d.gaps.length) parts.push(`${d.gaps.length} gap${d.gaps.length > 1 ? "s" : ""}`);
      if (d.overlaps.length) parts.push(`${d.overlaps.length} overlap${d.overlaps.length > 1 ? "s" : ""}`);
      if (d.changes.length) parts.push(`${d.changes.length} codec change${d.changes.length > 1 ? "s" : ""}`);
      if (d.faults) parts.push(`${d.faults} not playable`);
      if (d.resolution) parts.push(`merged at ${length(d.resolution)}`);
      summary.textContent = parts.join(" · ");
    }
    codecs.replaceChildren(d.codecs.length === 0 ? h("p", { class: "muted" }, "Nothing is recorded on this day.") : h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Codecs" }, h("table", null,
      h("thead", null, h("tr", null, ...["Pictures", "Size", "Sound", "Channels", "Fragments"].map(t => h("th", { scope: "col", class: t === "Fragments" || t === "Channels" ? "number" : "" }, t)))),
      h("tbody", null, d.codecs.map(c => h("tr", null, h("td", null, c.video ? [family(c.video), " ", h("span", { class: "mono muted" }, c.video)] : c.audio ? "–" : "cannot be read"), h("td", null, c.width ? `${c.width}×${c.height}` : "–"),
        h("td", null, c.audio ? [family(c.audio), " ", h("span", { class: "mono muted" }, c.audio)] : "–"), h("td", { class: "number" }, c.channels || "–"), h("td", { class: "number" }, c.fragments.toLocaleString("en"))))))),
      d.changes.length === 0 ? "" : h("ul", { class: "changes", "aria-label": "Codec changes" }, d.changes.slice(0, 100).map(c => h("li", null, button(clockTime(c.at), { class: "link" }, () => { timeline.setCursor(c.at); timeline.zoomTo([c.at - 30_000, c.at + 30_000]); }), h("span", null, name2(c.from), " → ", name2(c.to))))));
  }

  function name2(id: number): string {
    const c = day?.codecs.find(c => c.id === id);
    return c ? [family(c.video), c.width ? `${c.width}×${c.height}` : "", family(c.audio)].filter(Boolean).join(" ") || "cannot be read" : "another";
  }

  const restyle = () => timeline.restyle();
  window.addEventListener("weir-theme", restyle);
  showPanel(0);
  overlay("idle");
  void loadState();
  if (start !== 0) openDay(start);
  return {
    element, title: name, close() {
      closed = true;
      clearTimeout(stateTimer); clearTimeout(dayTimer); clearTimeout(shownTimer); clearTimeout(peekTimer);
      dayAbort.abort();
      table.close();
      player.stop();
      window.removeEventListener("weir-theme", restyle);
    },
  };
}
