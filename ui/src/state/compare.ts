// Two windows side by side: what is new, what is gone, what differs.
import { computed } from "@preact/signals";

import { get, url } from "../api/client";
import type { Comparison } from "../api/details";
import { address } from "./address";
import { edgePick, nodePick } from "./pick";
import { resource } from "./resource";
import { range, relative } from "./time";

/** How much earlier the other window may lie; `previous` is right before. */
export const EARLIER = ["previous", "-1h", "-1d", "-7d"] as const;

/** Milliseconds between the two windows. */
export function distanceTo(compare: string, length: number): number {
  const back = relative(compare);
  return back === null ? length : back * 1000;
}

/** `from..to` in seconds. */
const spell = (from: number, to: number) => `${Math.round(from / 1000)}..${Math.round(to / 1000)}`;

/** Half a minute is the finest step that a relative window moves by, lest each look be another question. */
const GRAIN_MS = 30_000;

export const comparison = resource<Comparison>(
  () => {
    const { compare, view } = address.value;
    if (!compare) return null;
    const window = range();
    const [from, to] = [window.from, window.to].map((moment) => Math.floor(moment / GRAIN_MS) * GRAIN_MS) as [number, number];
    const back = distanceTo(compare, to - from);
    return url("/api/v1/graph/diff", { a: spell(from - back, to - back), b: spell(from, to), view });
  },
  (asked, abort) => get<Comparison>(asked, abort),
);

/** What is new or differs, by pick, for the map to mark. */
export const marks = computed<ReadonlyMap<string, "added" | "changed">>(() => {
  const data = address.value.compare ? comparison.value.data : null;
  const all = new Map<string, "added" | "changed">();
  for (const id of data?.nodes.added ?? []) all.set(nodePick(id), "added");
  for (const { source, target } of data?.edges.added ?? []) all.set(edgePick(source, target), "added");
  for (const { source, target } of data?.edges.changed ?? []) all.set(edgePick(source, target), "changed");
  return all;
});
