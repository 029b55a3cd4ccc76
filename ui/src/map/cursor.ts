// Walking the map by keyboard: left to callers, right to called, up and down among those in the same place.
import { computed, signal } from "@preact/signals";

import { toggleGroup } from "../state/groups";
import { edgePick, focusOn, groupPick, nodePick, parsePick, select } from "../state/pick";
import type { Rect } from "./camera";
import type { Scene } from "./scene";

/** What the keyboard stands on, as a pick; not selected before Enter. */
export const cursor = signal("");

/** What the pointer is over, as a pick. */
export const hovered = signal("");

/** What is raised: what is hovered, else what the keyboard stands on. */
export const spot = computed(() => hovered.value || cursor.value);

interface Stop {
  pick: string;
  box: Rect;
}

function stops(scene: Scene): Stop[] {
  return [
    ...scene.groups.map(({ group, box }) => ({ pick: groupPick(group.id), box: group.collapsed ? box : { ...box, h: 32 } })),
    ...scene.nodes.map(({ node, box }) => ({ pick: nodePick(node.id), box })),
  ];
}

const middleOf = (box: Rect): [number, number] => [box.x + box.w / 2, box.y + box.h / 2];

/** The nearest stop above or below; sideways distance counts double, so one column is walked before the next. */
function beside(scene: Scene, from: Rect, direction: -1 | 1): string {
  const [x, y] = middleOf(from);
  let best = "";
  let least = Infinity;
  for (const { pick, box } of stops(scene)) {
    const [otherX, otherY] = middleOf(box);
    const ahead = (otherY - y) * direction;
    if (ahead <= 0.5) continue;
    const far = ahead + 2 * Math.abs(otherX - x);
    if (far < least) [best, least] = [pick, far];
  }
  return best;
}

/** Along the busiest edge that leaves (`1`) or enters (`-1`) what the cursor stands on; from an edge to its end. */
function along(scene: Scene, at: string, direction: -1 | 1): string {
  const pick = parsePick(at);
  if (!pick) return "";
  if (pick.is === "edge") {
    const end = direction === 1 ? pick.target : pick.source;
    const place = scene.places.get(end);
    return place && "group" in place ? groupPick(end) : nodePick(end);
  }
  const edges = (scene.touching.get(pick.id) ?? []).filter(({ edge }) => (direction === 1 ? edge.source : edge.target) === pick.id);
  const busiest = edges.sort((a, b) => b.edge.requests - a.edge.requests)[0];
  return busiest ? edgePick(busiest.edge.source, busiest.edge.target) : "";
}

/** From an edge up or down: the next edge of the same source, then of the next one. */
function besideEdge(scene: Scene, at: string, direction: -1 | 1): string {
  const index = scene.edges.findIndex(({ key }) => at === `e:${key}`);
  const next = scene.edges[index + direction];
  return index >= 0 && next ? `e:${next.key}` : "";
}

function first(scene: Scene): string {
  const sorted = stops(scene).sort((a, b) => a.box.x - b.box.x || a.box.y - b.box.y);
  return sorted[0]?.pick ?? "";
}

function exists(scene: Scene, at: string): boolean {
  const pick = parsePick(at);
  if (!pick) return false;
  return pick.is === "edge" ? scene.edges.some(({ key }) => at === `e:${key}`) : scene.places.has(pick.id);
}

function step(scene: Scene, at: string, key: string): string {
  const pick = parsePick(at);
  const place = pick && pick.is !== "edge" ? scene.places.get(pick.id) : undefined;
  if (key === "ArrowLeft") return along(scene, at, -1);
  if (key === "ArrowRight") return along(scene, at, 1);
  const direction = key === "ArrowUp" ? -1 : 1;
  if (pick?.is === "edge") return besideEdge(scene, at, direction);
  if (!place) return "";
  const box = "group" in place && !place.group.collapsed ? { ...place.box, h: 32 } : place.box;
  return beside(scene, box, direction);
}

/** Answers keys that mean something on the map; true if this one did. */
export function moveCursor(event: KeyboardEvent, scene: Scene): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const at = cursor.value;
  const standing = exists(scene, at);
  if (event.key.startsWith("Arrow")) {
    const next = standing ? step(scene, at, event.key) : first(scene);
    if (next) cursor.value = next;
    return true;
  }
  if (event.key === "Home") {
    cursor.value = first(scene);
    return true;
  }
  const pick = standing ? parsePick(at) : null;
  if (!pick) return false;
  if (event.key === "Enter") {
    select(at);
    return true;
  }
  if (event.key === " " && pick.is === "group") {
    toggleGroup(pick.id);
    return true;
  }
  if (event.key === "f" && pick.is !== "group") {
    focusOn(pick.is === "edge" ? `${pick.source}>${pick.target}` : pick.id);
    return true;
  }
  return false;
}
