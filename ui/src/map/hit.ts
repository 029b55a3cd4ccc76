// What the pointer is over when edges are on the canvas and so are no elements.
import type { Camera, Size } from "./camera";
import { distance, type Point } from "./route";
import type { Scene } from "./scene";

const REACH_PX = 6;

/** The edge within reach of the pointer, as a pick; empty if there is none or if SVG would have caught it. */
export function pickAt(scene: Scene, camera: Camera, view: Size, surface: HTMLElement, event: MouseEvent, canvasFrom: number): string {
  if (scene.edges.length <= canvasFrom) return "";
  const box = surface.getBoundingClientRect();
  const at: Point = [
    camera.x + (event.clientX - box.left - view.w / 2) / camera.k,
    camera.y + (event.clientY - box.top - view.h / 2) / camera.k,
  ];
  const reach = REACH_PX / camera.k;
  let best = "";
  let least = reach;
  for (const { key, bounds, points } of scene.edges) {
    if (at[0] < bounds.x - reach || at[0] > bounds.x + bounds.w + reach || at[1] < bounds.y - reach || at[1] > bounds.y + bounds.h + reach) continue;
    const far = distance(points, at);
    if (far < least) [best, least] = [`e:${key}`, far];
  }
  return best;
}
