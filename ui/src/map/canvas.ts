// Many edges on a canvas: one path per style instead of one element per edge.
import type { Camera, Size } from "./camera";
import { lineColour } from "./EdgeLine";
import type { SceneEdge } from "./scene";

interface Stroke {
  colour: string;
  width: number;
  dash: number[];
  path: Path2D;
}

const DASHES: Record<string, number[]> = { unexpected: [7, 4], forbidden: [7, 4], missing: [1.5, 4] };

export type Strokes = Stroke[];

/** Sorts edges by style; worse ones come later and so lie above. */
export function strokesOf(edges: readonly SceneEdge[], baseline: boolean): Strokes {
  const byStyle = new Map<string, Stroke>();
  for (const drawn of edges) {
    const colour = lineColour(drawn.level, drawn.expected, baseline);
    const width = Math.round(drawn.width * 2) / 2;
    const dash = DASHES[drawn.expected] ?? [];
    const style = `${colour} ${width} ${dash}`;
    let stroke = byStyle.get(style);
    if (!stroke) byStyle.set(style, (stroke = { colour, width, dash, path: new Path2D() }));
    const [first, ...rest] = drawn.points;
    if (!first) continue;
    stroke.path.moveTo(first[0], first[1]);
    for (const [x, y] of rest) stroke.path.lineTo(x, y);
  }
  const order = ["unknown", "ok", "yellow", "red"];
  return [...byStyle.values()].sort((a, b) => order.indexOf(a.colour) - order.indexOf(b.colour));
}

/** Draws strokes as the camera sees them. */
export function paint(canvas: HTMLCanvasElement, strokes: Strokes, camera: Camera, view: Size): void {
  const scale = Math.min(2, devicePixelRatio || 1);
  const [w, h] = [Math.round(view.w * scale), Math.round(view.h * scale)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, w, h);
  if (strokes.length === 0) return;
  const style = getComputedStyle(canvas);
  const k = camera.k * scale;
  context.setTransform(k, 0, 0, k, w / 2 - camera.x * k, h / 2 - camera.y * k);
  context.lineJoin = "round";
  for (const { colour, width, dash, path } of strokes) {
    context.strokeStyle = style.getPropertyValue(`--edge-${colour}`);
    context.lineWidth = Math.max(width, 0.75 / camera.k);
    context.setLineDash(dash);
    context.stroke(path);
  }
}
