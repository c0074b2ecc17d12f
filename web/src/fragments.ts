import { api, type Fragment, type Range } from "./api";
import { button, copy, h, icon } from "./dom";
import { bytes, clockTime, full, length } from "./time";

/** FragmentTable lists the fragments of a range with their tags. */
export class FragmentTable {
  readonly element: HTMLElement;
  private body = h("tbody");
  private more = button("Show more", { class: "more", hidden: true }, () => void this.load(true));
  private note = h("p", { class: "muted", role: "status" });
  private range: Range | null = null;
  private next = "";
  private abort = new AbortController();

  constructor(private play: (f: Fragment) => void, private now: () => number) {
    this.element = h("div", { class: "fragments" }, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Fragments" }, h("table", null,
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Recorded"), h("th", { scope: "col" }, "Arrived"), h("th", { scope: "col", class: "number" }, "Length"), h("th", { scope: "col", class: "number" }, "Size"),
        h("th", { scope: "col" }, "Tags"), h("th", { scope: "col" }, "Fragment number"))), this.body)), this.note, this.more);
  }

  show(r: Range): void {
    const same = this.range && r.name === this.range.name && r.clock === this.range.clock && r.from === this.range.from && r.to === this.range.to;
    if (same) return;
    this.range = r;
    void this.load(false);
  }

  close(): void { this.abort.abort(); }

  private async load(further: boolean): Promise<void> {
    this.abort.abort();
    const abort = this.abort = new AbortController();
    this.more.disabled = true;
    if (!further) this.note.textContent = "Loading…";
    try {
      const out = await api.fragments(this.range!, further ? this.next : "", abort.signal);
      if (!further) this.body.replaceChildren();
      this.next = out.next;
      this.body.append(...out.fragments.map(f => this.row(f)));
      this.more.hidden = !out.next;
      this.note.textContent = this.body.children.length === 0 ? "No fragment begins in what the timeline shows." : "";
    } catch (e) {
      if (e instanceof DOMException) return;
      this.note.replaceChildren(icon("warn"), " " + (e as Error).message);
      this.range = null;
    } finally { this.more.disabled = false; }
  }

  private row(f: Fragment): HTMLElement {
    const today = full(f.server).slice(0, 10) === full(this.now()).slice(0, 10);
    return h("tr", null,
      h("td", null, button(clockTime(f.producer, true), { class: "link", "aria-label": `Play from ${clockTime(f.producer)}` }, () => this.play(f))),
      h("td", { class: "muted", title: full(f.server) }, today ? clockTime(f.server) : full(f.server)),
      h("td", { class: "number" }, length(f.length)), h("td", { class: "number" }, bytes(f.bytes)),
      h("td", { class: "tags" }, f.tags === null ? h("span", { class: "muted" }, "not known") : f.tags.length === 0 ? h("span", { class: "muted" }, "–")
        : f.tags.map(t => h("span", { class: "tag" }, h("b", null, t.name), t.value))),
      h("td", null, h("span", { class: "mono muted", title: f.number }, "…" + f.number.slice(-12)), button("Copy the fragment number", { class: "quiet square small", icon: "copy", text: false }, () => void copy(f.number))));
  }
}
