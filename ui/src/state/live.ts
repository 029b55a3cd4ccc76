// Whether and when to ask again. The server says `tick{revision}`; the page asks at most every few seconds.
import { effect, signal } from "@preact/signals";

import { address } from "./address";

/** Changes when there is something new to ask for. */
export const revision = signal(0);

/** False while the stream of ticks is broken: the page then asks by itself. */
export const connected = signal(false);

const AT_MOST_EVERY_MS = 5_000;
const WITHOUT_STREAM_EVERY_MS = 15_000;

let last = 0;
let waiting: ReturnType<typeof setTimeout> | undefined;

function wake(): void {
  if (waiting !== undefined) return;
  const wait = Math.max(0, last + AT_MOST_EVERY_MS - Date.now());
  waiting = setTimeout(() => {
    waiting = undefined;
    last = Date.now();
    revision.value += 1;
  }, wait);
}

/** True while the window ends now and nobody paused. */
export const follows = () => !address.value.paused && address.value.to === "";

/** Asks again now. */
export function refresh(): void {
  last = Date.now();
  revision.value += 1;
}

/** Follows the stream while the page follows time and is looked at. */
export function followStream(): void {
  const visible = signal(!document.hidden);
  document.addEventListener("visibilitychange", () => {
    visible.value = !document.hidden;
  });
  effect(() => {
    if (!follows() || !visible.value) return;
    const stream = new EventSource("/api/v1/graph/stream");
    stream.addEventListener("open", () => {
      connected.value = true;
    });
    stream.addEventListener("tick", wake);
    stream.addEventListener("error", () => {
      connected.value = false;
    });
    const timer = setInterval(() => {
      if (!connected.peek()) wake();
    }, WITHOUT_STREAM_EVERY_MS);
    return () => {
      stream.close();
      clearInterval(timer);
    };
  });
}
