// Which groups are open.
import { effect, signal } from "@preact/signals";

import { fitAfter } from "../map/look";
import { address, go } from "./address";
import { graph, groupsShown } from "./answers";
import { groupOf } from "./kinds";

/** More nodes than this at once are no picture any more: the page folds and says so. */
export const OPEN_MOST = 1_500;

/** How many nodes there were when the page folded; 0 if it did not. */
export const folded = signal(0);

/** True while the answer has more nodes than a picture can hold. */
export const tooMany = (nodes: number): boolean => nodes > OPEN_MOST && address.value.show === "map" && address.value.open.includes("*");

/** Closes all groups when opening all of them was too much. The table may be as long as it likes. */
export function foldWhenTooMany(): void {
  effect(() => {
    const nodes = graph.value.data?.nodes.length ?? 0;
    const { open } = address.value;
    if (open.length > 0 && !open.includes("*")) folded.value = 0;
    if (!tooMany(nodes) || graph.value.loading) return;
    folded.value = nodes;
    closeAll();
  });
}

export function openAll(): void {
  fitAfter(graph.value.question);
  go({ open: ["*"], at: "" });
}

export function closeAll(): void {
  fitAfter(graph.value.question);
  go({ open: [], at: "" });
}

/** Opens a closed group and closes an open one. */
export function toggleGroup(id: string): void {
  const { open } = address.value;
  const now = open.includes("*") ? groupsShown() : open;
  go({ open: now.includes(id) ? now.filter((other) => other !== id) : [...now, id] });
}

/** The groups to be open so that these nodes can be seen beside what is open already. */
export function openFor(ids: string[]): string[] {
  const { open } = address.value;
  return open.includes("*") ? open : [...new Set([...open, ...ids.map(groupOf)])];
}
