// The camera of the one map there is, and the part of the world whose elements are in the page.
import { computed, signal } from "@preact/signals";

import { go } from "../state/address";
import { parsePick } from "../state/pick";
import { fit, formatCamera, reveal, seen, zoom, type Camera, type Rect, type Size } from "./camera";
import type { Scene } from "./scene";

export const camera = signal<Camera>({ x: 0, y: 0, k: 1 });
export const view = signal<Size>({ w: 1, h: 1 });

/** The camera that the picture was last drawn for; until the next time it is only moved and scaled. */
export const drawnFor = signal<Camera>({ x: 0, y: 0, k: 1 });

/** How far beyond the view the picture reaches on each side, in views. */
export const OVERSCAN = 0.5;
const SCALED_MOST = 1.6;
const SETTLED_MS = 140;

let settling: ReturnType<typeof setTimeout> | undefined;

/** True while moving and scaling what is drawn already shows all that the camera sees. */
function stillCovers(now: Camera, old: Camera, { w, h }: Size): boolean {
  const scale = now.k / old.k;
  const reach = (length: number) => length * (0.5 + OVERSCAN) * scale - length / 2;
  const [dx, dy] = [Math.abs(now.x - old.x) * now.k, Math.abs(now.y - old.y) * now.k];
  return scale < SCALED_MOST && scale > 1 / SCALED_MOST && dx <= reach(w) && dy <= reach(h);
}

/** Draws anew if it must be, else once the camera rests: a frame while moving costs next to nothing. */
export function redrawWhenNeeded(): void {
  const [now, old] = [camera.peek(), drawnFor.peek()];
  clearTimeout(settling);
  if (now.x === old.x && now.y === old.y && now.k === old.k) return;
  if (stillCovers(now, old, view.peek())) settling = setTimeout(redraw, SETTLED_MS);
  else redraw();
}

function redraw(): void {
  clearTimeout(settling);
  drawnFor.value = camera.peek();
}

/** Which details are left out, by zoom. */
export const detail = computed(() => {
  const { k } = drawnFor.value;
  return k < 0.2 ? "groups" : k < 0.4 ? "far" : k < 0.6 ? "middle" : "near";
});

/** More than is seen, and changed only when that is left, so that a pan draws nothing anew. */
export const kept = signal<Rect & { k: number }>({ x: 0, y: 0, w: 0, h: 0, k: 0 });

/** Looks again at what has to be in the page. */
export function keep(): void {
  const now = seen(camera.value, view.value);
  const old = kept.peek();
  const inside = now.x >= old.x && now.y >= old.y && now.x + now.w <= old.x + old.w && now.y + now.h <= old.y + old.h;
  const similar = camera.value.k / old.k < 2.5;
  if (inside && similar) return;
  kept.value = { x: now.x - now.w / 2, y: now.y - now.h / 2, w: now.w * 2, h: now.h * 2, k: camera.value.k };
}

export function look(next: Camera): void {
  camera.value = next;
  keep();
  redrawWhenNeeded();
}

/** What is on the map now. Whoever draws it says so here. */
export const current: { scene: Scene | null } = { scene: null };

let fitsAfter: string | null = null;

/** Shows everything as soon as something else than the answer to `question` is drawn: what is looked at now goes. */
export function fitAfter(question: string): void {
  fitsAfter = question;
}

/** To be called when the answer to `question` is drawn. */
export function fitIfAsked(question: string): void {
  if (fitsAfter === null || fitsAfter === question || !current.scene || view.value.w <= 1) return;
  fitsAfter = null;
  look(fit(current.scene.bounds, view.value));
}

/** Shows everything. */
export function fitAll(): void {
  if (!current.scene) return;
  look(fit(current.scene.bounds, view.value));
  go({ at: "" });
}

export function zoomBy(factor: number): void {
  look(zoom(camera.value, factor, 0, 0));
  go({ at: formatCamera(camera.value) });
}

/** What a search wants to see in the middle, once it is on the map. */
let sought = "";
export const seek = (pick: string): void => {
  sought = pick;
};

const NEAR_ENOUGH = 0.9;

/** Puts what is sought into the middle, near enough to be read; true if it was there. */
function center(text: string, box: Rect): boolean {
  if (sought !== text) return false;
  sought = "";
  look({ x: box.x + box.w / 2, y: box.y + box.h / 2, k: Math.max(NEAR_ENOUGH, camera.value.k) });
  go({ at: formatCamera(camera.value) });
  return true;
}

/** How much of a small screen's map a sheet of details covers. */
const SHEET = 0.62;

/** Pans only if what is picked would be covered, and only as far as needed. */
export function revealPick(text: string): void {
  const pick = parsePick(text);
  const place = pick && current.scene?.places.get(pick.is === "edge" ? pick.target : pick.id);
  if (!place) return;
  const open = "group" in place && !place.group.collapsed;
  if (center(text, place.box)) return;
  look(reveal(camera.value, open ? { ...place.box, w: 1, h: 1 } : place.box, view.value, innerWidth <= 900 ? view.value.h * SHEET : 0));
}

const numbers = new Map<string, number>();

/** A number for each pick: ids of elements that are words to nobody. */
export function elementId(pick: string): string {
  let number = numbers.get(pick);
  if (number === undefined) numbers.set(pick, (number = numbers.size));
  return `m${number}`;
}
