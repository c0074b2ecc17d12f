// Plays a session of the archive: HLS by hls.js, DASH by dash.js. Both are loaded when they are first needed.

import type HlsType from "hls.js";
import type { MediaPlayerClass } from "dashjs";
import { api, Failure, type Clock, type Day, type Mode, type Protocol, type Session } from "./api";
import { find } from "./timeline";

export interface Request { name: string; protocol: Protocol; mode: Mode; clock: Clock; at?: number; day: Day | null }

const chunk = 3600_000; // of media that an ON_DEMAND session has at most: playing goes on with another one
const lead = 21_000;    // how far before a time the fragment may begin that holds it

export class Player {
  private hls: HlsType | null = null;
  private dash: MediaPlayerClass | null = null;
  private turn = 0;
  private end = 0;         // of the session's range, on demand
  private first = 0;       // wall-clock time of the session's first media, for DASH
  private ask: Request | null = null;
  session: Session | null = null;

  constructor(readonly video: HTMLVideoElement, private report: { state(text: string): void; failed(text: string): void; time(at: number | null): void }) {
    video.addEventListener("timeupdate", () => this.report.time(this.now()));
    video.addEventListener("seeked", () => this.report.time(this.now()));
    video.addEventListener("playing", () => this.report.state(""));
    video.addEventListener("waiting", () => this.report.state("Loading…"));
    video.addEventListener("ended", () => void this.goOn());
  }

  stop(): void {
    this.turn++;
    this.hls?.destroy();
    this.dash?.destroy();
    this.hls = this.dash = this.session = this.ask = null;
    this.video.removeAttribute("src");
    this.video.load();
    this.report.time(null);
  }

  async play(ask: Request): Promise<void> {
    this.stop();
    const turn = this.turn;
    this.ask = ask;
    this.report.state("Opening a session…");
    try {
      const range = this.rangeOf(ask);
      const session = await api.session({ name: ask.name, protocol: ask.protocol, mode: ask.mode, clock: ask.clock, ...range });
      if (turn !== this.turn) return;
      this.session = session;
      if (ask.protocol === "HLS") await this.playHLS(session.url, ask, turn);
      else await this.playDASH(session.url, ask, turn);
      if (turn !== this.turn) return;
      this.report.state("Loading…");
      await this.video.play().catch(e => { if (e instanceof DOMException && e.name === "NotAllowedError") this.report.state("Press play"); });
    } catch (e) {
      if (turn === this.turn) this.fail(e instanceof Failure ? e.message : String(e));
    }
  }

  private rangeOf(ask: Request): { from?: number; to?: number } {
    if (ask.mode === "LIVE" || ask.at === undefined) return {};
    const span = find(ask.day?.spans ?? [], ask.at);
    const from = Math.floor(Math.max(span?.[0] ?? ask.at, ask.at - lead));
    if (ask.mode === "LIVE_REPLAY") return { from };
    this.end = from + chunk;
    if (ask.clock === "server") this.end = Math.min(this.end, Date.now() - 1000);
    return { from, to: Math.max(this.end, from + 1000) };
  }

  private fail(text: string): void {
    const turn = this.turn;
    this.stop();
    if (turn + 1 === this.turn) this.report.failed(text);
  }

  private async playHLS(url: string, ask: Request, turn: number): Promise<void> {
    const { default: Hls } = await import("hls.js");
    if (turn !== this.turn) return;
    if (!Hls.isSupported()) {
      if (!this.video.canPlayType("application/vnd.apple.mpegurl")) throw new Failure("Unsupported", "This browser plays no HLS.", 0);
      this.video.src = url;
      return;
    }
    const hls = this.hls = new Hls({ enableWorker: false, maxBufferLength: 30, backBufferLength: 60, liveSyncDurationCount: 2, lowLatencyMode: false, startPosition: ask.mode === "ON_DEMAND" ? 0 : -1 });
    let placed = ask.mode !== "ON_DEMAND", media = 0;
    hls.on(Hls.Events.LEVEL_LOADED, (_, data) => {
      if (placed || ask.at === undefined) return;
      placed = true;
      for (const f of data.details.fragments) {
        if (f.programDateTime === null) continue;
        if (f.programDateTime + f.duration * 1000 > ask.at) {
          this.seek(f.start + Math.max(0, ask.at - f.programDateTime) / 1000);
          return;
        }
      }
    });
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (!data.fatal) return;
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && media++ < 3) { hls.recoverMediaError(); return; }
      const code = data.response?.code;
      this.fail(code === 403 ? "The session has expired. Play again for a new one." : code === 404 ? "There is no media there any more." : `The player stopped: ${data.details}.`);
    });
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  private async playDASH(url: string, ask: Request, turn: number): Promise<void> {
    const [{ MediaPlayer }, manifest] = await Promise.all([import("dashjs"), fetch(url).then(r => { if (!r.ok) throw new Failure("Failed", "The manifest cannot be had.", r.status); return r.text(); })]);
    if (turn !== this.turn) return;
    // The manifest tells when its fragments were recorded.
    const times = [...manifest.matchAll(/<S [^>]*kvs:ts="([\d.]+)"/g)];
    this.first = times.length > 0 ? Math.round(Number(times[0]![1]) * 1000) : ask.at ?? 0;
    const start = ask.mode === "ON_DEMAND" && ask.at !== undefined ? this.mediaTime(ask.at) : undefined;
    const dash = this.dash = MediaPlayer().create();
    dash.updateSettings({ debug: { logLevel: 0 }, streaming: { delay: { liveDelayFragmentCount: 2 }, buffer: { bufferTimeAtTopQuality: 20 } } });
    dash.on("error", (e: { error?: { message?: string; code?: number } }) => this.fail(`The player stopped: ${e.error?.message ?? "unknown error"}`));
    dash.initialize(this.video, url, true, start);
  }

  private seek(t: number): void {
    const v = this.video, go = () => { v.currentTime = t; };
    if (v.readyState > 0) go();
    else v.addEventListener("loadedmetadata", go, { once: true });
  }

  /** mediaTime is where on the DASH timeline, which has no gaps, a time is. */
  private mediaTime(at: number): number {
    let sum = 0;
    for (const [a, b] of this.ask?.day?.spans ?? []) {
      if (b <= this.first) continue;
      const from = Math.max(a, this.first);
      if (from >= at) break;
      sum += Math.min(b, at) - from;
    }
    return Math.max(0, sum) / 1000;
  }

  private wallTime(media: number): number {
    let left = media * 1000;
    for (const [a, b] of this.ask?.day?.spans ?? []) {
      if (b <= this.first) continue;
      const from = Math.max(a, this.first);
      if (left <= b - from) return from + left;
      left -= b - from;
    }
    return this.first + media * 1000;
  }

  /** now is the wall-clock time of the picture on display, null when it is not known. */
  now(): number | null {
    if (!this.ask || this.video.readyState < 2) return null;
    if (this.hls) return this.hls.playingDate?.getTime() ?? null;
    if (this.dash && this.ask.mode === "ON_DEMAND") return this.wallTime(this.video.currentTime);
    if (this.dash && this.first && this.ask.mode === "LIVE_REPLAY") return this.wallTime(this.video.currentTime);
    return null;
  }

  /** goOn plays what comes behind a session that has ended. */
  private async goOn(): Promise<void> {
    const ask = this.ask;
    if (!ask || ask.mode !== "ON_DEMAND") return;
    const next = (ask.day?.spans ?? []).find(s => s[1] > this.end + 100);
    if (!next) { this.report.state("Played to the end"); return; }
    await this.play({ ...ask, at: Math.max(next[0], this.end) });
  }
}
