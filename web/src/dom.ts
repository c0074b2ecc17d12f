// A few helpers in place of a framework: elements are made once, and what changes is set on them.

type Child = Node | string | number | null | undefined | false | Child[];
type Props = Record<string, unknown>;

/** h makes an element. Properties that begin with "on" are listeners, others are attributes; true is an empty attribute. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props?: Props | null, ...children: Child[]): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  set(e, props);
  append(e, children);
  return e;
}

const svgNS = "http://www.w3.org/2000/svg";

export function svg(tag: string, props?: Props | null, ...children: Child[]): SVGElement {
  const e = document.createElementNS(svgNS, tag);
  set(e, props);
  append(e, children);
  return e;
}

function set(e: Element, props?: Props | null): void {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on") && typeof value === "function") e.addEventListener(name.slice(2).toLowerCase(), value as EventListener);
    else e.setAttribute(name, value === true ? "" : String(value));
  }
}

function append(e: Element, children: Child[]): void {
  for (const c of children) {
    if (Array.isArray(c)) append(e, c);
    else if (c !== null && c !== undefined && c !== false) e.append(c instanceof Node ? c : String(c));
  }
}

const paths: Record<string, string> = {
  back: "M12.5 4.5 7 10l5.5 5.5",
  next: "M7.5 4.5 13 10l-5.5 5.5",
  play: "M6.5 4.200v11.600l9.3-5.800z",
  download: "M10 3.500v9m-3.7-3.600L10 12.600l3.7-3.700M4 16.200h12",
  copy: "M7.5 7.500V4.700c0-.7.5-1.2 1.2-1.200h6.600c.7 0 1.2.5 1.2 1.200v6.600c0 .7-.5 1.2-1.2 1.200h-2.800M4.7 7.500h6.600c.7 0 1.2.5 1.2 1.200v6.600c0 .7-.5 1.2-1.2 1.200H4.700c-.7 0-1.2-.5-1.2-1.200V8.700c0-.7.5-1.2 1.2-1.200z",
  close: "m5.5 5.5 9 9m0-9-9 9",
  plus: "M10 4.500v11M4.5 10h11",
  minus: "M4.5 10h11",
  fit: "M3.5 10h13M6.5 6.5 3 10l3.5 3.500M13.5 6.5 17 10l-3.5 3.5",
  search: "M9 14.500a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zm4.2-1.3 3.6 3.6",
  sun: "M10 13.300a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.600zM10 2.500v1.700m0 11.600v1.700M2.5 10h1.700m11.6 0h1.700M4.7 4.700l1.2 1.200m8.2 8.2 1.2 1.200m0-10.6-1.2 1.200m-8.2 8.2-1.2 1.2",
  moon: "M16.5 11.700A6.8 6.8 0 0 1 8.3 3.500a6.8 6.8 0 1 0 8.2 8.200z",
  auto: "M10 3.200a6.8 6.8 0 1 0 0 13.600zM10 3.200a6.8 6.8 0 0 1 0 13.6",
  out: "M12 6.500V4.700c0-.7-.5-1.2-1.2-1.200H5.200c-.7 0-1.2.5-1.2 1.200v10.600c0 .7.5 1.2 1.2 1.200h5.600c.7 0 1.2-.5 1.2-1.200v-1.800M8.5 10h8m-2.7-2.8 2.8 2.8-2.8 2.8",
  camera: "M3.5 6.700c0-.7.5-1.2 1.2-1.200h7.100c.7 0 1.2.5 1.2 1.200v6.600c0 .7-.5 1.2-1.2 1.200H4.700c-.7 0-1.2-.5-1.2-1.200zM13 9l3.5-2v6L13 11",
  cut: "M5.8 8a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.600zm0 8.600a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.600zM7.6 7.200l9 6.800m-9-1.2 9-6.8",
  warn: "M10 4 2.8 16.200h14.400zM10 8.500v3.600m0 2v.1",
};

export function icon(name: keyof typeof paths & string): SVGElement {
  return svg("svg", { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" }, svg("path", { d: paths[name] }));
}

export function button(label: string, props: Props & { icon?: string; text?: boolean }, onclick: (e: MouseEvent) => void): HTMLButtonElement {
  const { icon: name, text, ...rest } = props;
  const b = h("button", { type: "button", onclick, ...rest }, name && icon(name), text !== false && h("span", null, label));
  if (text === false) {
    b.setAttribute("aria-label", label);
    b.title = label;
  }
  return b;
}

/** choice is a group of buttons of which one is pressed. */
export function choice<T extends string>(label: string, options: [T, string][], value: T, changed: (v: T) => void): { element: HTMLElement; set(v: T): void; enable(v: T, on: boolean, why?: string): void } {
  const buttons = new Map<T, HTMLButtonElement>();
  const element = h("div", { class: "choice", role: "group", "aria-label": label });
  const set = (v: T) => buttons.forEach((b, k) => b.setAttribute("aria-pressed", String(k === v)));
  for (const [v, text] of options) {
    const b = h("button", { type: "button", onclick: () => { set(v); changed(v); } }, text);
    buttons.set(v, b);
    element.append(b);
  }
  set(value);
  return { element, set, enable(v, on, why) { const b = buttons.get(v)!; b.disabled = !on; b.title = on ? "" : why ?? ""; } };
}

let toastTimer = 0;
export function toast(text: string, bad = false): void {
  let t = document.getElementById("toast");
  if (!t) document.body.append(t = h("div", { id: "toast", role: "status", "aria-live": "polite" }));
  t.textContent = text;
  t.className = bad ? "shown bad" : "shown";
  clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => { t.className = ""; }, bad ? 7000 : 3000);
}

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // over plain HTTP browsers have no clipboard for pages
    const area = h("textarea", { class: "offscreen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast("Copied");
}
