// Lines of edges: orthogonal with rounded corners.
import type { Box } from "../api/types";

export type Point = [number, number];

const RADIUS = 8;
const STUB = 16;

/** A way for an edge that came without one: out to the right, in from the left; around below if it goes back. */
export function elbow(from: Box, to: Box): Point[] {
  const start: Point = [from.x + from.w, from.y + from.h / 2];
  const end: Point = [to.x, to.y + to.h / 2];
  if (end[0] >= start[0] + 2 * STUB) {
    if (Math.abs(start[1] - end[1]) < 1) return [start, end];
    const middle = (start[0] + end[0]) / 2;
    return [start, [middle, start[1]], [middle, end[1]], end];
  }
  const below = Math.max(from.y + from.h, to.y + to.h) + STUB;
  return [
    start,
    [start[0] + STUB, start[1]],
    [start[0] + STUB, below],
    [end[0] - STUB, below],
    [end[0] - STUB, end[1]],
    end,
  ];
}

const round = (value: number) => Math.round(value * 10) / 10;

/** SVG path data through `points`, corners rounded. */
export function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${round(first[0])} ${round(first[1])}`;
  let before = first;
  rest.forEach((point, index) => {
    const after = rest[index + 1];
    if (!after) {
      path += `L${round(point[0])} ${round(point[1])}`;
      return;
    }
    const inward = Math.hypot(point[0] - before[0], point[1] - before[1]);
    const outward = Math.hypot(after[0] - point[0], after[1] - point[1]);
    const cut = Math.min(RADIUS, inward / 2, outward / 2);
    if (cut < 0.5) {
      path += `L${round(point[0])} ${round(point[1])}`;
    } else {
      const enter = toward(point, before, cut / inward);
      const leave = toward(point, after, cut / outward);
      path += `L${round(enter[0])} ${round(enter[1])}Q${round(point[0])} ${round(point[1])} ${round(leave[0])} ${round(leave[1])}`;
    }
    before = point;
  });
  return path;
}

const toward = (from: Point, to: Point, share: number): Point => [
  from[0] + (to[0] - from[0]) * share,
  from[1] + (to[1] - from[1]) * share,
];

/** The point halfway along the line, for chips. */
export function halfway(points: readonly Point[]): Point {
  const lengths = points.slice(1).map((point, index) => Math.hypot(point[0] - points[index]![0], point[1] - points[index]![1]));
  let left = lengths.reduce((sum, length) => sum + length, 0) / 2;
  for (const [index, length] of lengths.entries()) {
    if (left <= length && length > 0) return toward(points[index]!, points[index + 1]!, left / length);
    left -= length;
  }
  return points[0] ?? [0, 0];
}

/** How far `at` is from the line. */
export function distance(points: readonly Point[], at: Point): number {
  let nearest = Infinity;
  for (let index = 1; index < points.length; index += 1) {
    const a = points[index - 1]!;
    const b = points[index]!;
    const along = (b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2;
    const share = along === 0 ? 0 : Math.max(0, Math.min(1, ((at[0] - a[0]) * (b[0] - a[0]) + (at[1] - a[1]) * (b[1] - a[1])) / along));
    const foot = toward(a, b, share);
    nearest = Math.min(nearest, Math.hypot(at[0] - foot[0], at[1] - foot[1]));
  }
  return nearest;
}
