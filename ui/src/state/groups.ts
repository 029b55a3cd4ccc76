// Which groups are open.
import { effect, signal } from "@preact/signals";

import { fitNext } from "../map/look";
import { address, go } from "./address";
import { graph, groupsShown } from "./answers";

/** More nodes than this at once are no picture any more: the page folds and says so. */
export const OPEN_MOST = 1_500;

/** How many nodes there were when the page folded; 0 if it did not. */
export const folded = signal(0);

/** Closes all groups when opening all of them was too much. The table may be as long as it likes. */
export function foldWhenTooMany(): void {
  effect(() => {
    const nodes = graph.value.data?.nodes.length ?? 0;
    const { open, show } = address.value;
    if (open.length > 0 && !open.includes("*")) folded.value = 0;
    if (nodes <= OPEN_MOST || show !== "map" || !open.includes("*") || graph.value.loading) return;
    folded.value = nodes;
    closeAll();
  });
}

export function openAll(): void {
  fitNext();
  go({ open: ["*"], at: "" });
}

export function closeAll(): void {
  fitNext();
  go({ open: [], at: "" });
}

/** Opens a closed group and closes an open one. */
export function toggleGroup(id: string): void {
  const { open } = address.value;
  const now = open.includes("*") ? groupsShown() : open;
  go({ open: now.includes(id) ? now.filter((other) => other !== id) : [...now, id] });
}
