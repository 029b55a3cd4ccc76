// The address is the whole state of the page: what is not here is forgotten on reload, and whoever gets the link sees
// the same. A step worth going back to (selection, focus, mode, filter) makes an entry of history; the rest replaces.
import { computed, signal } from "@preact/signals";

export type ViewName = "service" | "workload" | "namespace" | "host";
export type Show = "map" | "table" | "stack";
export type Mode = "health" | "baseline";
export type Tab = "traffic" | "network" | "resources" | "state" | "events";
export type Direction = "both" | "up" | "down";

export interface Address {
  view: ViewName;
  show: Show;
  mode: Mode;
  /** Start of the window: `-15m`, or a moment. */
  from: string;
  /** End of the window; empty for now. */
  to: string;
  /** True while the map does not follow new data. */
  paused: boolean;
  /** Expanded groups by id; `*` for all. */
  open: string[];
  /** Groups closed by name where all others are open. */
  shut: string[];
  /** What was narrowed down to, step by step; the last one is shown. */
  focus: string[];
  depth: number;
  dir: Direction;
  filter: string;
  /** What is selected: see `pick.ts`. */
  pick: string;
  tab: Tab;
  /** An earlier window to compare with: `from..to`, or how much earlier: `-1d`. */
  compare: string;
  /** Path check: `A>B`. */
  path: string;
  /** Centre and zoom of the map, `x,y,k`; empty to fit. */
  at: string;
  rail: boolean;
  panel: boolean;
  theme: "auto" | "light" | "dark";
  lang: string;
}

export const DEFAULTS: Address = {
  view: "workload",
  show: "map",
  mode: "health",
  from: "-15m",
  to: "",
  paused: false,
  open: [],
  shut: [],
  focus: [],
  depth: 1,
  dir: "both",
  filter: "",
  pick: "",
  tab: "traffic",
  compare: "",
  path: "",
  at: "",
  rail: true,
  panel: true,
  theme: "auto",
  lang: "",
};

const CHOICES: Partial<Record<keyof Address, readonly string[]>> = {
  view: ["service", "workload", "namespace", "host"],
  show: ["map", "table", "stack"],
  mode: ["health", "baseline"],
  tab: ["traffic", "network", "resources", "state", "events"],
  dir: ["both", "up", "down"],
  theme: ["auto", "light", "dark"],
};

type Value = Address[keyof Address];

function read(key: keyof Address, text: string): Value | undefined {
  const standard = DEFAULTS[key];
  if (typeof standard === "boolean") return text === "1";
  if (typeof standard === "number") {
    const number = Number(text);
    return Number.isInteger(number) && number > 0 && number < 100 ? number : undefined;
  }
  if (Array.isArray(standard)) return text === "" ? [] : text.split("|");
  const choices = CHOICES[key];
  return choices && !choices.includes(text) ? undefined : text;
}

function write(value: Value): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  return Array.isArray(value) ? value.join("|") : String(value);
}

/** Reads a query string. What nobody understands is as if it were not there. */
export function parse(query: string): Address {
  const address: Record<string, Value> = { ...DEFAULTS };
  for (const [key, text] of new URLSearchParams(query)) {
    if (!Object.hasOwn(DEFAULTS, key)) continue;
    const value = read(key as keyof Address, text);
    if (value !== undefined) address[key] = value;
  }
  return address as unknown as Address;
}

/** The shortest query string that reads back to `address`. */
export function format(address: Address): string {
  const query = new URLSearchParams();
  for (const key of Object.keys(DEFAULTS) as (keyof Address)[]) {
    const text = write(address[key]);
    if (text !== write(DEFAULTS[key])) query.set(key, text);
  }
  const text = query.toString().replace(/%2F/g, "/").replace(/%7C/g, "|").replace(/%2C/g, ",").replace(/%3A/g, ":");
  return text === "" ? "" : `?${text}`;
}

const STEPS: readonly (keyof Address)[] = ["view", "show", "mode", "focus", "filter", "pick", "compare", "path", "from", "to"];

export const address = signal<Address>(DEFAULTS);

/** One field of the address, for those who need to wake only when it changes. */
export function field<K extends keyof Address>(key: K) {
  return computed(() => address.value[key]);
}

/** Changes the address. */
export function go(change: Partial<Address>): void {
  const before = address.value;
  const after = { ...before, ...change };
  const query = format(after);
  if (query === format(before)) return;
  const step = STEPS.some((key) => write(before[key]) !== write(after[key]));
  const target = `${location.pathname}${query}`;
  if (step) history.pushState(null, "", target);
  else history.replaceState(null, "", target);
  address.value = after;
}

/** Takes the address of the window, now and whenever the user goes back or forth. */
export function followHistory(): void {
  const take = () => {
    address.value = parse(location.search);
  };
  take();
  addEventListener("popstate", take);
}
