// The JSON API of the console: /console/api/openapi.json describes it. Times are milliseconds since 1970.

export interface Server { version: string; region: string; endpoint: string; signIn: boolean; secure: boolean; signedIn: boolean; user: string; pictures: boolean; lacks: string[]; now: number }
export interface Newest { arrived: number; start: number; end: number }
export interface StreamState {
  name: string; arn: string; device: string; mediaType: string; created: number; retentionHours: number; uploads: number; live: boolean; newest: Newest | null;
}
export interface Streams { streams: StreamState[]; next: string }
export interface Rights { day: boolean; tags: boolean; hls: boolean; dash: boolean; clip: boolean; image: boolean }
export interface Stream { stream: StreamState; tags: Record<string, string>; rights: Rights }
export type Span = [number, number];
export interface Codec { id: number; video: string; audio: string; width: number; height: number; channels: number; fragments: number }
export interface Day {
  from: number; to: number; spans: Span[]; gaps: Span[]; overlaps: Span[]; changes: { at: number; from: number; to: number }[]; codecs: Codec[];
  resolution: number; fragments: number; bytes: number; faults: number; earlier: number | null; later: number | null;
}
export interface Fragment { number: string; producer: number; server: number; length: number; bytes: number; tags: { name: string; value: string }[] | null }
export interface Fragments { fragments: Fragment[]; next: string }
export type Clock = "producer" | "server";
export type Mode = "LIVE" | "LIVE_REPLAY" | "ON_DEMAND";
export type Protocol = "HLS" | "DASH";
export interface Session { url: string; expires: number }

export class Failure extends Error {
  constructor(readonly type: string, message: string, readonly status: number) { super(message); }
}

let signedOut: () => void = () => {};
export function onSignedOut(f: () => void): void { signedOut = f; }

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  let r: Response;
  try {
    r = await fetch("api/" + path, init);
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw e;
    throw new Failure("Unreachable", "The server cannot be reached.", 0);
  }
  if (r.ok) return await r.json() as T;
  throw await failureOf(r);
}

async function failureOf(r: Response): Promise<Failure> {
  let type = "Failed", message = `The server answered ${r.status}.`;
  try {
    ({ type, message } = await r.json() as { type: string; message: string });
  } catch { /* not from the console's API */ }
  if (type === "NotSignedIn") signedOut();
  return new Failure(type, message, r.status);
}

function query(params: Record<string, string | number | undefined>): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== "") q.set(k, String(v));
  return q.toString();
}

const post = (body: unknown): RequestInit => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export interface Range { name: string; clock: Clock; from: number; to: number }
const range = (r: Range) => ({ name: r.name, clock: r.clock, from: Math.round(r.from), to: Math.round(r.to) });

export const api = {
  server: () => call<Server>("server"),
  signIn: (accessKeyId: string, secretAccessKey: string, sessionToken: string) => call<Server>("sign-in", post({ accessKeyId, secretAccessKey, sessionToken })),
  signOut: () => call<Server>("sign-out", post({})),
  streams: (search: string, after: string, signal?: AbortSignal) => call<Streams>("streams?" + query({ search, after }), { signal }),
  stream: (name: string) => call<Stream>("stream?" + query({ name })),
  day: (r: Range, signal?: AbortSignal) => call<Day>("day?" + query(range(r)), { signal }),
  fragments: (r: Range, token: string, signal?: AbortSignal) => call<Fragments>("fragments?" + query({ ...range(r), token }), { signal }),
  session: (in_: { name: string; protocol: Protocol; mode: Mode; clock: Clock; from?: number; to?: number }) => call<Session>("sessions", post(in_)),
  picture: (name: string, clock: Clock, at: number, width: number) => "api/picture?" + query({ name, clock, at: Math.round(at), width }),
  clip: (r: Range) => "api/clip?" + query(range(r)),
  /** clipSize asks how large a clip is, and whether the server cuts it off. */
  async clipSize(r: Range): Promise<{ bytes: number; truncated: string }> {
    const res = await fetch("api/clip?" + query(range(r)), { method: "HEAD" });
    if (!res.ok) { // HEAD has no body: ask what is wrong
      const ask = new AbortController();
      const why = await fetch("api/clip?" + query(range(r)), { signal: ask.signal });
      if (!why.ok) throw await failureOf(why);
      ask.abort();
      throw new Failure("Failed", `The server answered ${res.status}.`, res.status);
    }
    return { bytes: Number(res.headers.get("Content-Length")), truncated: res.headers.get("X-Kvs-Clip-Truncated") ?? "" };
  },
};
