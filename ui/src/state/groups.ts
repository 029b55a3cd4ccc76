// Which groups are open.
import { effect, signal } from "@preact/signals";

import { fitAfter } from "../map/look";
import { address, go, type Address } from "./address";
import { graph, groupsShown, opensAll } from "./answers";
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
  go({ open: ["*"], shut: [], at: "" });
}

export function closeAll(): void {
  fitAfter(graph.value.question);
  const shut = opensAll({ ...address.value, open: [] }) ? groupsShown() : [];
  go({ open: [], shut, at: "" });
}

/** Opens a closed group and closes an open one. */
export function toggleGroup(id: string): void {
  const key = opensAll() ? "shut" : "open";
  const list = address.value[key];
  go({ [key]: list.includes(id) ? list.filter((other) => other !== id) : [...list, id] });
}

/** What to change so that these nodes can be seen beside what is open already. */
export function openFor(ids: string[]): Pick<Address, "open" | "shut"> {
  const { open, shut } = address.value;
  const groups = ids.map(groupOf);
  if (opensAll()) return { open, shut: shut.filter((id) => !groups.includes(id)) };
  return { open: [...new Set([...open, ...groups])], shut };
}
