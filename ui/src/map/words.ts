// What the map says in words, on hover and to screen readers.
import type { GraphEdge } from "../api/types";
import { count, ms, percent, rate } from "../text/numbers";
import { t } from "../text/words";

/** The last part of an id, decoded: what people call the thing. */
export function nameOf(id: string): string {
  const last = id.split("/").at(-1) ?? id;
  const bare = last.includes(":") && !id.includes("/") ? last.slice(last.indexOf(":") + 1) : last;
  try {
    return decodeURIComponent(bare);
  } catch {
    return bare;
  }
}

/** `12.3/s · 1.2 % · 340 ms`, and for a bundle how many edges it stands for. */
export function edgeNumbers(edge: GraphEdge, seconds: number): string {
  const numbers = [rate(edge.requests / Math.max(1, seconds))];
  if (edge.requests > 0) numbers.push(percent(edge.errors / edge.requests));
  const p95 = edge.client?.p95_ms ?? edge.server?.p95_ms;
  if (p95 !== undefined && p95 !== null) numbers.push(ms(p95));
  return numbers.join(" · ");
}

/** Of a bundle between groups: `1,204 calls · 3 edges · 1 red`. */
export function bundleWords(edge: GraphEdge): string {
  const parts = [t("edge.calls", { n: count(edge.requests) })];
  if (edge.edges > 1) parts.push(t("edge.edges", { n: edge.edges }));
  if (edge.red) parts.push(t("edge.red", { n: edge.red }));
  if (edge.unexpected) parts.push(t("group.unexpected", { n: edge.unexpected }));
  return parts.join(" · ");
}

/** What a screen reader says of an edge. */
export function edgeSentence(edge: GraphEdge, seconds: number): string {
  const parts = [
    t("edge.sentence", { source: nameOf(edge.source), target: nameOf(edge.target) }),
    t(`level.${edge.health.level}`),
    edge.edges > 1 ? bundleWords(edge) : edgeNumbers(edge, seconds),
  ];
  if (edge.expected && edge.expected !== "expected") parts.push(t(`expected.${edge.expected}`));
  return parts.join(", ");
}
