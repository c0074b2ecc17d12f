// Times as people read them, in the browser's time zone.

const two = (n: number) => String(n).padStart(2, "0");

export function dayStart(t: number): number { const d = new Date(t); d.setHours(0, 0, 0, 0); return d.getTime(); }
/** dayEnd is the last millisecond of a day, which has 23 or 25 hours when clocks change. */
export function dayEnd(t: number): number { const d = new Date(t); d.setHours(24, 0, 0, 0); return d.getTime() - 1; }
export function addDays(t: number, n: number): number { const d = new Date(t); d.setDate(d.getDate() + n); return dayStart(d.getTime()); }

export function dayKey(t: number): string { const d = new Date(t); return `${String(d.getFullYear()).padStart(4, "0")}-${two(d.getMonth() + 1)}-${two(d.getDate())}`; }
export function fromKey(key: string): number | null {
  const m = /^(\d{4})-(\d\d)-(\d\d)$/.exec(key);
  return m ? new Date(Number(m[1]), Number(m[2]) - 1, Number(m[3])).getTime() : null;
}

export function clockTime(t: number, millis = false): string {
  const d = new Date(t);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}${millis ? "." + String(d.getMilliseconds()).padStart(3, "0") : ""}`;
}
export function hourMinute(t: number): string { const d = new Date(t); return `${two(d.getHours())}:${two(d.getMinutes())}`; }

const dayFormat = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric" });
export function dayName(t: number): string { return dayFormat.format(t); }
export function full(t: number): string { return `${dayKey(t)} ${clockTime(t)}`; }

export function length(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s < 10 && s % 1 ? s.toFixed(1) : Math.round(s)} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m} min ${two(Math.floor(s % 60))} s`;
  return `${Math.floor(m / 60)} h ${two(m % 60)} min`;
}

export function ago(t: number, now: number): string {
  const s = Math.max(0, (now - t) / 1000);
  if (s < 10) return "just now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} days ago`;
}

export function bytes(n: number): string {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const) if (n >= size) return `${(n / size).toFixed(n >= 100 * size ? 0 : 1)} ${unit}`;
  return `${n} B`;
}

export function retention(hours: number): string {
  if (hours === 0) return "not kept";
  if (hours % 24 === 0) return hours === 24 ? "kept 1 day" : `kept ${hours / 24} days`;
  return `kept ${hours} h`;
}

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
