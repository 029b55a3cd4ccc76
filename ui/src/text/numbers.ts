// Numbers as people read them: three significant digits, SI prefixes, units always, `–` for no data.
import { language, t } from "./words";

export const NONE = "–";

type Maybe = number | null | undefined;

const locale = () => (language.value === "zh" ? "zh" : "en");

const known = (value: Maybe): value is number => typeof value === "number" && Number.isFinite(value);

function three(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

const LARGE = ["", "k", "M", "G", "T", "P"];

/** `12.3k`, `4.56`, `1.2M`. */
export function short(value: Maybe): string {
  if (!known(value)) return NONE;
  let size = Math.abs(value);
  let step = 0;
  while (size >= 999.5 && step < LARGE.length - 1) {
    size /= 1000;
    step += 1;
  }
  if (step === 0 && size > 0 && size < 0.01) return `${value < 0 ? "-" : ""}< 0.01`;
  return `${value < 0 ? "-" : ""}${three(size)}${LARGE[step]}`;
}

/** Requests a second: `12.3/s`. */
export const rate = (value: Maybe): string => (known(value) ? `${short(value)}/s` : NONE);

/** `12.3 %` of a share between 0 and 1; never `0 %` for something that is there. */
export function percent(share: Maybe): string {
  if (!known(share)) return NONE;
  const value = share * 100;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  return `${three(value)} %`;
}

/** Milliseconds: `340 µs`, `12.3 ms`, `1.24 s`, `3.5 min`. */
export function ms(value: Maybe): string {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  if (size === 0) return "0 ms";
  if (size < 0.9995) return `${three(value * 1000)} µs`;
  if (size < 999.5) return `${three(value)} ms`;
  if (size < 120_000) return `${three(value / 1000)} s`;
  return `${three(value / 60_000)} min`;
}

/** `12.3 MB`. */
export const bytes = (value: Maybe): string => {
  if (!known(value)) return NONE;
  const text = short(value);
  const prefix = /[kMGTP]$/.exec(text)?.[0] ?? "";
  return `${prefix ? text.slice(0, -1) : text} ${prefix}B`;
};

/** `0.25 cores`. */
export const cores = (value: Maybe): string => (known(value) ? t("unit.cores", { n: short(value) }) : NONE);

/** A whole number with the separators of the language. */
export const count = (value: Maybe): string =>
  known(value) ? new Intl.NumberFormat(locale()).format(Math.round(value)) : NONE;

/** Seconds as `45 s`, `12 min`, `3 h`, `2 d`. */
export function span(seconds: Maybe): string {
  if (!known(seconds)) return NONE;
  const size = Math.abs(seconds);
  if (size < 90) return t("unit.seconds", { n: Math.round(size) });
  if (size < 5400) return t("unit.minutes", { n: Math.round(size / 60) });
  if (size < 172_800) return t("unit.hours", { n: Math.round(size / 3600) });
  return t("unit.days", { n: Math.round(size / 86_400) });
}

const pad = (value: number) => String(value).padStart(2, "0");

const day = (date: Date) => new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short" }).format(date);

/** `14:03`, and the day at midnight: for axes. */
export function timeOfDay(milliseconds: number): string {
  const date = new Date(milliseconds);
  if (date.getHours() === 0 && date.getMinutes() === 0) return day(date);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** Local time of day, with the date if it is not today: `14:03:20`, `Nov 24 14:03`. */
export function clock(milliseconds: Maybe, now = Date.now()): string {
  if (!known(milliseconds)) return NONE;
  const date = new Date(milliseconds);
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (date.toDateString() === new Date(now).toDateString()) return `${time}:${pad(date.getSeconds())}`;
  return `${day(date)} ${time}`;
}

/** The same in full and with the zone, for titles. */
export function clockInFull(milliseconds: Maybe): string {
  if (!known(milliseconds)) return NONE;
  return new Intl.DateTimeFormat(locale(), {
    dateStyle: "medium",
    timeStyle: "long",
  }).format(new Date(milliseconds));
}

/** Cuts a long name in the middle, where names of workloads differ least. */
export function middle(name: string, most: number): string {
  const letters = [...name];
  if (letters.length <= most) return name;
  const head = Math.ceil((most - 1) / 2);
  return `${letters.slice(0, head).join("")}…${letters.slice(letters.length - (most - 1 - head)).join("")}`;
}
