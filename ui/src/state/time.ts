// The window of time: relative to now, or between two moments; stepping and pausing.
import { address, go } from "./address";
import { graph } from "./answers";

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Windows offered, as the address spells them. */
export const PRESETS = ["-5m", "-15m", "-1h", "-6h", "-24h", "-7d"] as const;

/** Seconds of `-15m`; `null` for anything else. */
export function relative(text: string): number | null {
  const found = /^-(\d+)([smhd])$/.exec(text);
  return found ? Number(found[1]) * UNITS[found[2]!]! : null;
}

/** A moment in milliseconds of `-15m`, of seconds since the epoch or of an ISO time; `null` if it is neither. */
export function moment(text: string, now: number): number | null {
  if (text === "") return now;
  const back = relative(text);
  if (back !== null) return now - back * 1000;
  if (/^\d{9,11}$/.test(text)) return Number(text) * 1000;
  const parsed = Date.parse(text);
  return Number.isNaN(parsed) ? null : parsed;
}

export interface Range {
  from: number;
  to: number;
}

/** The window in milliseconds: as asked for, or as answered if the address makes no sense. */
export function range(now = Date.now()): Range {
  const { from, to } = address.value;
  const answered = graph.value.data?.window;
  const end = moment(to, now) ?? answered?.to ?? now;
  const start = moment(from, end) ?? answered?.from ?? end - 900_000;
  return { from: start, to: end };
}

const spell = (milliseconds: number) => String(Math.round(milliseconds / 1000));

/** Shows a window between two moments. */
export function showRange(from: number, to: number): void {
  go({ from: spell(from), to: spell(to) });
}

/** Moves the window by its own length, back (`-1`) or forth (`1`); up to now it follows again. */
export function step(direction: -1 | 1): void {
  const now = Date.now();
  const { from, to } = range(now);
  const length = to - from;
  const end = to + direction * length;
  if (end >= now - 1000) followNow(length);
  else showRange(end - length, end);
}

/** Shows the last `length` milliseconds, from now on. */
function followNow(length: number): void {
  const preset = PRESETS.find((text) => Math.abs(relative(text)! * 1000 - length) < 1000);
  go({ from: preset ?? `-${Math.max(1, Math.round(length / 1000))}s`, to: "", paused: false });
}

/** Holds the window where it is, or lets it follow again. */
export function togglePause(): void {
  const { paused, to, from } = address.value;
  if (paused || to !== "") {
    const now = range();
    followNow(now.to - now.from);
    return;
  }
  const now = range();
  go({ paused: true, to: spell(now.to), from: relative(from) === null ? from : spell(now.from) });
}
