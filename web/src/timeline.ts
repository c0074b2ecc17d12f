// A day as a strip: what is recorded, what is missing, what is there twice, and where the codec changes. It is drawn on a canvas; for the
// keyboard and for screen readers it is a slider whose value is the cursor.

import { h } from "./dom";
import type { Day, Span } from "./api";
import { clockTime, dayName, hourMinute, length } from "./time";

export interface Events {
  play(at: number): void;
  select(range: Span | null): void;
  view(range: Span): void;
  hover(at: number | null, x: number): void;
}

const steps = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600].map(s => s * 1000);
const shortest = 5_000; // ms that can be shown at least
const axis = 26, lane = 46, overlapLane = 7, mini = 12, height = axis + 8 + overlapLane + 4 + lane + 20 + mini + 2;

export class Timeline {
  readonly element: HTMLElement;
  private canvas = h("canvas", { "aria-hidden": "true" });
  private tip = h("div", { class: "tip", hidden: true });
  private day: Day | null = null;
  private bounds: Span = [0, 1];
  private from = 0;
  private to = 1;
  private cursor = 0;
  private head: number | null = null;
  private selection: Span | null = null;
  private mark: number | null = null;
  private drag: { kind: "select" | "pan" | "mini" | "start" | "end"; x: number; at: number; from: number; to: number; moved: boolean } | null = null;
  private touches = new Map<number, number>();
  private pinch: { distance: number; middle: number; from: number; to: number } | null = null;
  private colours: Record<string, string> = {};
  private probe = h("i", { class: "offscreen", "aria-hidden": "true" });
  private queued = false;
  selecting = false; // drags of a finger select instead of moving

  constructor(private events: Events, private now: () => number) {
    this.element = h("div", {
      class: "timeline", tabindex: "0", role: "slider", "aria-label": "Timeline of the day", "aria-describedby": "timeline-keys", "aria-orientation": "horizontal",
      onkeydown: (e: KeyboardEvent) => this.key(e),
    }, this.canvas, this.tip, this.probe, h("p", { id: "timeline-keys", class: "offscreen" },
      "Arrow keys move the cursor, with Shift further. Plus and minus zoom, 0 shows the whole day. Enter plays. Square brackets set the start and the end of a clip, Escape takes them away. N and P go to the next and the previous gap."));
    this.canvas.addEventListener("wheel", e => this.wheel(e), { passive: false });
    this.canvas.addEventListener("pointerdown", e => this.down(e));
    this.canvas.addEventListener("pointermove", e => this.move(e));
    this.canvas.addEventListener("pointerup", e => this.up(e));
    this.canvas.addEventListener("pointercancel", e => this.cancel(e));
    this.canvas.addEventListener("pointerleave", () => this.leave());
    new ResizeObserver(() => this.draw()).observe(this.element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
  }

  show(day: Day | null, bounds: Span, keep: boolean): void {
    this.day = day;
    this.bounds = bounds;
    if (!keep) {
      [this.from, this.to] = bounds;
      this.selection = this.mark = this.head = null;
      this.cursor = day?.spans[0]?.[0] ?? bounds[0];
      this.cursor = Math.max(bounds[0], Math.min(bounds[1], this.cursor));
    }
    this.changed();
  }

  restyle(): void { this.colours = {}; this.draw(); }
  get range(): Span { return [this.from, this.to]; }
  get position(): number { return this.cursor; }
  get selected(): Span | null { return this.selection; }

  setHead(at: number | null): void { if (at !== this.head) { this.head = at; this.draw(); } }
  setCursor(at: number): void { this.cursor = Math.min(Math.max(at, this.bounds[0]), this.bounds[1]); this.reveal(this.cursor); this.changed(); }
  setSelection(s: Span | null): void { this.selection = s; this.mark = null; this.changed(); }

  zoom(factor: number, at = this.inView(this.cursor) ? this.cursor : (this.from + this.to) / 2): void {
    const whole = this.bounds[1] - this.bounds[0];
    const size = Math.min(whole, Math.max(shortest, (this.to - this.from) * factor));
    const part = (at - this.from) / (this.to - this.from);
    this.place(at - part * size, size);
  }

  zoomTo(s: Span): void {
    const size = Math.max(shortest, (s[1] - s[0]) * 1.1);
    this.place((s[0] + s[1] - size) / 2, size);
  }

  fit(): void { this.place(this.bounds[0], this.bounds[1] - this.bounds[0]); }

  private place(from: number, size: number): void {
    size = Math.min(size, this.bounds[1] - this.bounds[0]);
    this.from = Math.min(Math.max(from, this.bounds[0]), this.bounds[1] - size);
    this.to = this.from + size;
    this.events.view([this.from, this.to]);
    this.changed();
  }

  private inView(t: number): boolean { return t >= this.from && t <= this.to; }
  private reveal(t: number): void {
    const size = this.to - this.from;
    if (!this.inView(t)) this.place(t - size / 2, size);
  }

  // what is at a time

  stateAt(t: number): { text: string; kind: "recorded" | "gap" | "overlap" | "none" | "future" } {
    const d = this.day;
    if (!d || d.spans.length === 0) return { text: "nothing recorded", kind: "none" };
    if (t > this.now()) return { text: "not yet", kind: "future" };
    const o = find(d.overlaps, t);
    if (o) return { text: `recorded more than once, ${length(o[1] - o[0])}`, kind: "overlap" };
    const s = find(d.spans, t);
    if (s) {
      const c = this.codecAt(t);
      return { text: `recorded${c ? ", " + c : ""}`, kind: "recorded" };
    }
    const g = find(d.gaps, t);
    if (g) return { text: `missing, ${length(g[1] - g[0])}`, kind: "gap" };
    return { text: "nothing recorded", kind: "none" };
  }

  private codecAt(t: number): string {
    const d = this.day!;
    let id = d.changes[0]?.from ?? d.codecs[0]?.id;
    for (const c of d.changes) { if (c.at > t) break; id = c.to; }
    const c = d.codecs.find(x => x.id === id);
    if (!c) return "";
    return [c.width ? `${c.width}×${c.height}` : "", family(c.video), family(c.audio)].filter(Boolean).join(" ");
  }

  // input

  private at(x: number): number { return this.from + (x / this.canvas.clientWidth) * (this.to - this.from); }
  private x(t: number): number { return ((t - this.from) / (this.to - this.from)) * this.canvas.clientWidth; }

  private wheel(e: WheelEvent): void {
    const size = this.to - this.from;
    if (Math.abs(e.deltaX) > Math.abs(e.deltaY) || e.shiftKey) {
      e.preventDefault();
      this.place(this.from + ((e.deltaX || e.deltaY) / this.canvas.clientWidth) * size, size);
      return;
    }
    if (e.deltaY > 0 && size >= this.bounds[1] - this.bounds[0]) return; // the whole day is shown: let the page scroll
    e.preventDefault();
    this.zoom(Math.exp(Math.max(-100, Math.min(100, e.deltaY)) * 0.004), this.at(e.offsetX));
  }

  private down(e: PointerEvent): void {
    if (e.button !== 0) return;
    this.element.focus({ preventScroll: true });
    this.canvas.setPointerCapture(e.pointerId);
    this.touches.set(e.pointerId, e.offsetX);
    if (this.touches.size === 2) {
      const [a, b] = [...this.touches.values()] as [number, number];
      this.pinch = { distance: Math.max(10, Math.abs(a - b)), middle: this.at((a + b) / 2), from: this.from, to: this.to };
      this.drag = null;
      return;
    }
    const at = this.at(e.offsetX);
    let kind: "select" | "pan" | "mini" | "start" | "end" = e.pointerType === "mouse" || this.selecting ? (e.shiftKey ? "pan" : "select") : "pan";
    if (e.offsetY > height - mini - 6) kind = "mini";
    else if (this.selection) {
      const near = e.pointerType === "mouse" ? 6 : 18;
      if (Math.abs(this.x(this.selection[0]) - e.offsetX) <= near) kind = "start";
      else if (Math.abs(this.x(this.selection[1]) - e.offsetX) <= near) kind = "end";
    }
    this.drag = { kind, x: e.offsetX, at, from: this.from, to: this.to, moved: kind === "mini" };
    if (kind === "mini") this.toMini(e.offsetX);
  }

  private toMini(x: number): void {
    const size = this.to - this.from;
    this.place(this.bounds[0] + (x / this.canvas.clientWidth) * (this.bounds[1] - this.bounds[0]) - size / 2, size);
  }

  private move(e: PointerEvent): void {
    if (this.touches.has(e.pointerId)) this.touches.set(e.pointerId, e.offsetX);
    if (this.pinch && this.touches.size === 2) {
      const [a, b] = [...this.touches.values()] as [number, number];
      const p = this.pinch, whole = this.bounds[1] - this.bounds[0];
      const size = Math.min(whole, Math.max(shortest, (p.to - p.from) * p.distance / Math.max(10, Math.abs(a - b))));
      this.place(p.middle - ((a + b) / 2 / this.canvas.clientWidth) * size, size);
      return;
    }
    const d = this.drag;
    if (!d) { this.hover(e); return; }
    if (!d.moved && Math.abs(e.offsetX - d.x) < 4) return;
    d.moved = true;
    this.tip.hidden = true;
    const t = Math.min(Math.max(this.at(e.offsetX), this.from), this.to);
    if (d.kind === "pan") this.place(d.from - ((e.offsetX - d.x) / this.canvas.clientWidth) * (d.to - d.from), d.to - d.from);
    else if (d.kind === "mini") this.toMini(e.offsetX);
    else {
      const other = d.kind === "start" ? this.selection![1] : d.kind === "end" ? this.selection![0] : d.at;
      this.selection = [Math.min(other, t), Math.max(other, t)];
      if (d.kind !== "select") d.kind = t < other ? "start" : "end";
      this.events.select(this.selection);
    }
    this.changed();
  }

  private up(e: PointerEvent): void {
    this.touches.delete(e.pointerId);
    if (this.touches.size < 2) this.pinch = null;
    const d = this.drag;
    this.drag = null;
    if (!d || d.moved) return;
    this.cursor = d.at;
    this.changed();
    this.events.play(d.at);
  }

  private cancel(e: PointerEvent): void { this.touches.delete(e.pointerId); this.drag = this.pinch = null; }

  private hover(e: PointerEvent): void {
    const t = this.at(e.offsetX), s = this.stateAt(t);
    const near = this.selection && (Math.abs(this.x(this.selection[0]) - e.offsetX) <= 6 || Math.abs(this.x(this.selection[1]) - e.offsetX) <= 6);
    this.canvas.style.cursor = near || e.offsetY > height - mini - 6 ? "ew-resize" : s.kind === "recorded" || s.kind === "overlap" ? "pointer" : "crosshair";
    this.tip.replaceChildren(h("strong", null, clockTime(t, this.to - this.from < 60_000)), h("span", { class: s.kind }, s.text));
    this.tip.hidden = false;
    const w = this.tip.offsetWidth, x = Math.min(Math.max(e.offsetX - w / 2, 0), this.canvas.clientWidth - w);
    this.tip.style.transform = `translate(${Math.round(x)}px, -100%)`;
    this.events.hover(s.kind === "recorded" || s.kind === "overlap" ? t : null, e.offsetX);
  }

  private leave(): void { if (!this.drag) { this.tip.hidden = true; this.events.hover(null, 0); } }

  private key(e: KeyboardEvent): void {
    const size = this.to - this.from, step = size / (e.shiftKey ? 10 : 100);
    const gap = (later: boolean) => {
      const all = this.day?.gaps ?? [];
      const g = later ? all.find(g => g[0] > this.cursor + 1) : all.findLast(g => g[0] < this.cursor - 1);
      if (g) this.setCursor(g[0]);
    };
    const edge = (start: boolean) => {
      if (this.mark === null || !this.selection) { this.mark = this.cursor; this.selection = start ? [this.cursor, Math.min(this.bounds[1], this.cursor + size / 20)] : [Math.max(this.bounds[0], this.cursor - size / 20), this.cursor]; }
      else this.selection = start ? [this.cursor, Math.max(this.selection[1], this.cursor)] : [Math.min(this.selection[0], this.cursor), this.cursor];
      this.events.select(this.selection);
    };
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    switch (e.key) {
      case "ArrowLeft": case "ArrowDown": this.setCursor(this.cursor - step); break;
      case "ArrowRight": case "ArrowUp": this.setCursor(this.cursor + step); break;
      case "PageUp": this.setCursor(this.cursor + size / 2); break;
      case "PageDown": this.setCursor(this.cursor - size / 2); break;
      case "Home": this.setCursor(this.day?.spans[0]?.[0] ?? this.bounds[0]); break;
      case "End": this.setCursor(this.day?.spans.at(-1)?.[1] ?? this.bounds[1]); break;
      case "+": case "=": this.zoom(0.5); break;
      case "-": case "_": this.zoom(2); break;
      case "0": this.fit(); break;
      case "n": case "N": gap(true); break;
      case "p": case "P": gap(false); break;
      case "[": edge(true); break;
      case "]": edge(false); break;
      case "Escape": this.setSelection(null); this.events.select(null); break;
      case "Enter": case " ": this.events.play(this.cursor); break;
      default: return;
    }
    e.preventDefault();
    this.changed();
  }

  private changed(): void {
    const e = this.element;
    e.setAttribute("aria-valuemin", String(Math.round(this.bounds[0])));
    e.setAttribute("aria-valuemax", String(Math.round(this.bounds[1])));
    e.setAttribute("aria-valuenow", String(Math.round(this.cursor)));
    const sel = this.selection ? `, clip from ${clockTime(this.selection[0])} to ${clockTime(this.selection[1])}` : "";
    e.setAttribute("aria-valuetext", `${dayName(this.cursor)} ${clockTime(this.cursor)}, ${this.stateAt(this.cursor).text}${sel}`);
    this.draw();
  }

  // drawing

  private colour(name: string): string {
    if (name === "mono") return this.colours[name] ??= getComputedStyle(this.element).getPropertyValue("--mono").trim();
    if (this.colours[name]) return this.colours[name];
    this.probe.style.color = `var(--${name})`; // which has the scheme's colour settled
    return this.colours[name] = getComputedStyle(this.probe).color;
  }

  private draw(): void {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => { this.queued = false; this.paint(); });
  }

  private paint(): void {
    const w = this.element.clientWidth, ratio = devicePixelRatio || 1, c = this.canvas;
    if (w === 0) return;
    if (c.width !== Math.round(w * ratio) || c.height !== Math.round(height * ratio)) {
      c.width = Math.round(w * ratio);
      c.height = Math.round(height * ratio);
      c.style.height = height + "px";
    }
    const g = c.getContext("2d")!;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, w, height);
    g.font = `500 11px ${this.colour("mono")}`;
    g.textBaseline = "middle";
    const over = axis + 8, top = over + overlapLane + 4, bottom = top + lane;
    this.paintAxis(g, w, over, bottom);
    // the lane, and what it holds
    round(g, 0, top, w, lane, 6);
    g.fillStyle = this.colour("lane");
    g.fill();
    g.save();
    g.clip();
    const now = this.x(this.now());
    if (now < w) { g.fillStyle = this.hatch(g, "future"); g.fillRect(Math.max(0, now), top, w, lane); }
    if (this.day) {
      g.fillStyle = this.hatch(g, "gap");
      for (const [a, b] of visible(this.day.gaps, this.from, this.to)) bar(g, this.x(a), this.x(b), top, lane, 1);
      g.fillStyle = this.colour("recorded");
      for (const [a, b] of visible(this.day.spans, this.from, this.to)) bar(g, this.x(a), this.x(b), top, lane, 1.5);
      // thin lines keep gaps visible that are narrower than a pixel
      g.fillStyle = this.colour("gap");
      for (const [a, b] of visible(this.day.gaps, this.from, this.to)) if (this.x(b) - this.x(a) < 1.5) g.fillRect(this.x(a) - 0.75, top, 1.5, lane);
    }
    g.restore();
    if (this.day) {
      g.fillStyle = this.colour("overlap");
      for (const [a, b] of visible(this.day.overlaps, this.from, this.to)) bar(g, this.x(a), this.x(b), over, overlapLane, 3);
      this.paintChanges(g, w, top, bottom);
    }
    this.paintSelection(g, w, top);
    this.paintCursor(g, w, over, bottom);
    this.paintMini(g, w);
  }

  private paintAxis(g: CanvasRenderingContext2D, w: number, over: number, bottom: number): void {
    const perPixel = (this.to - this.from) / w;
    const step = steps.find(s => s / perPixel >= (s < 60_000 ? 78 : 58)) ?? steps.at(-1)!;
    const origin = this.bounds[0], first = Math.ceil((this.from - origin) / step) * step + origin;
    g.textAlign = "center";
    for (let t = first; t <= this.to; t += step) {
      const x = Math.round(this.x(t)) + 0.5;
      g.strokeStyle = this.colour("grid");
      g.beginPath(); g.moveTo(x, axis - 2); g.lineTo(x, bottom); g.stroke();
      const label = step < 60_000 ? clockTime(t) : hourMinute(t);
      const half = g.measureText(label).width / 2;
      if (x - half < 2 || x + half > w - 2) continue;
      g.fillStyle = this.colour("muted");
      g.fillText(label, x, axis / 2);
    }
    void over;
  }

  private paintChanges(g: CanvasRenderingContext2D, w: number, top: number, bottom: number): void {
    let last = -1e9;
    for (const c of this.day!.changes) {
      const x = this.x(c.at);
      if (x < -4 || x > w + 4 || x - last < 5) continue;
      last = x;
      g.strokeStyle = g.fillStyle = this.colour("change");
      g.lineWidth = 1.5;
      g.beginPath(); g.moveTo(x, top); g.lineTo(x, bottom + 5); g.stroke();
      g.beginPath(); g.moveTo(x, bottom + 4); g.lineTo(x + 5, bottom + 9); g.lineTo(x, bottom + 14); g.lineTo(x - 5, bottom + 9); g.closePath(); g.fill();
      g.lineWidth = 1;
    }
  }

  private paintSelection(g: CanvasRenderingContext2D, w: number, top: number): void {
    if (!this.selection) return;
    const a = this.x(this.selection[0]), b = this.x(this.selection[1]);
    if (b < 0 || a > w) return;
    g.fillStyle = this.colour("veil"); // over what is not selected
    g.fillRect(0, top, Math.max(0, a), lane);
    g.fillRect(b, top, Math.max(0, w - b), lane);
    g.fillStyle = this.colour("ink");
    g.fillRect(a, top - 3, b - a, 3);
    g.fillRect(a, top + lane, b - a, 3);
    for (const x of [a, b]) {
      g.fillRect(x - 1, top - 3, 2, lane + 6);
      round(g, x - 4, top + lane / 2 - 11, 8, 22, 4);
      g.fill();
    }
  }

  private paintCursor(g: CanvasRenderingContext2D, w: number, over: number, bottom: number): void {
    const c = this.x(this.cursor);
    if (c >= 0 && c <= w) {
      g.strokeStyle = this.colour("ink");
      g.setLineDash([2, 3]);
      g.beginPath(); g.moveTo(Math.round(c) + 0.5, over - 4); g.lineTo(Math.round(c) + 0.5, bottom + 4); g.stroke();
      g.setLineDash([]);
    }
    if (this.head === null) return;
    const p = this.x(this.head);
    if (p < -6 || p > w + 6) return;
    g.fillStyle = this.colour("head");
    g.fillRect(p - 1, over - 4, 2, bottom - over + 10);
    g.beginPath(); g.moveTo(p - 6, over - 8); g.lineTo(p + 6, over - 8); g.lineTo(p, over); g.closePath(); g.fill();
  }

  /** paintMini draws the whole day below, with the part that is shown above. */
  private paintMini(g: CanvasRenderingContext2D, w: number): void {
    const y = height - mini - 2, whole = this.bounds[1] - this.bounds[0];
    const x = (t: number) => ((t - this.bounds[0]) / whole) * w;
    round(g, 0, y + 3, w, mini - 6, 3);
    g.fillStyle = this.colour("lane");
    g.fill();
    g.fillStyle = this.colour("recorded-dim");
    for (const [a, b] of this.day?.spans ?? []) bar(g, x(a), x(b), y + 3, mini - 6, 1);
    if (this.to - this.from >= whole * 0.999) return;
    const a = x(this.from), b = Math.max(x(this.to), a + 6);
    g.strokeStyle = this.colour("ink");
    g.lineWidth = 1.5;
    round(g, a + 0.75, y + 0.75, Math.max(4, b - a - 1.5), mini - 1.5, 4);
    g.stroke();
    g.lineWidth = 1;
  }

  private hatch(g: CanvasRenderingContext2D, name: "gap" | "future"): CanvasPattern | string {
    const tile = document.createElement("canvas"), size = name === "gap" ? 7 : 9, ratio = devicePixelRatio || 1;
    tile.width = tile.height = Math.round(size * ratio);
    const t = tile.getContext("2d")!;
    t.scale(ratio, ratio);
    t.strokeStyle = this.colour(name);
    t.lineWidth = name === "gap" ? 1.6 : 1;
    t.beginPath(); t.moveTo(-1, size + 1); t.lineTo(size + 1, -1); t.moveTo(-1, 1); t.lineTo(1, -1); t.moveTo(size - 1, size + 1); t.lineTo(size + 1, size - 1); t.stroke();
    const p = g.createPattern(tile, "repeat");
    p?.setTransform(new DOMMatrix().scale(1 / ratio));
    return p ?? this.colour(name);
  }
}

/** family is a codec's name as people say it. */
export function family(codec: string): string {
  if (codec.startsWith("avc1")) return "H.264";
  if (codec.startsWith("hvc1") || codec.startsWith("hev1")) return "H.265";
  if (codec.startsWith("mp4a")) return "AAC";
  if (codec === "alaw" || codec === "ulaw") return "G.711";
  return codec;
}

export function find(all: Span[], t: number): Span | undefined {
  let lo = 0, hi = all.length;
  while (lo < hi) { const m = (lo + hi) >> 1; if (all[m]![1] > t) hi = m; else lo = m + 1; }
  const s = all[lo];
  return s && s[0] <= t ? s : undefined;
}

function visible(all: Span[], from: number, to: number): Span[] {
  if (all.length < 200) return all.filter(s => s[1] >= from && s[0] <= to);
  let lo = 0, hi = all.length;
  while (lo < hi) { const m = (lo + hi) >> 1; if (all[m]![1] >= from) hi = m; else lo = m + 1; }
  const out: Span[] = [];
  for (let i = lo; i < all.length && all[i]![0] <= to; i++) out.push(all[i]!);
  return out;
}

function bar(g: CanvasRenderingContext2D, a: number, b: number, y: number, hh: number, least: number): void { g.fillRect(a, y, Math.max(b - a, least), hh); }

function round(g: CanvasRenderingContext2D, x: number, y: number, w: number, hh: number, r: number): void { g.beginPath(); g.roundRect(x, y, w, hh, r); }
