// Where the items of the stacked view stand: four planes seen at a slant, one above the other.
import type { Plane, StackAnswer, StackItem } from "../api/types";

export const CARD = { w: 148, h: 28 };
const COLUMN = 196;
const ROW = 40;
/** How far a row moves to the right as it moves down: the slant. */
const SLANT = 0.55;
const PLANE_GAP = 64;
const EDGE = 24;
/** Rows of one column before a second column beside it begins. */
const ROWS_MOST = 5;

export interface Placed {
  item: StackItem;
  x: number;
  y: number;
}

export interface PlacedPlane {
  plane: Plane;
  items: Placed[];
  /** Corners of the plane. */
  outline: [number, number][];
  top: number;
}

export interface Stacked {
  planes: PlacedPlane[];
  w: number;
  h: number;
}

/** Columns in order, each a list of positions in `items`; long ones are broken into several. */
function columnsOf(items: StackItem[], order: (place: number) => number): number[][] {
  const byStep = new Map<number, number[]>();
  items.forEach((_, place) => {
    const step = order(place);
    const column = byStep.get(step);
    if (column) column.push(place);
    else byStep.set(step, [place]);
  });
  const steps = [...byStep.keys()].sort((a, b) => a - b);
  return steps.flatMap((step) => {
    const column = byStep.get(step)!;
    return Array.from({ length: Math.ceil(column.length / ROWS_MOST) }, (_, part) => column.slice(part * ROWS_MOST, (part + 1) * ROWS_MOST));
  });
}

function placePlane(plane: Plane, top: number, columns: number[][], width: number): PlacedPlane {
  const rows = Math.max(1, ...columns.map((column) => column.length));
  const depth = rows * ROW;
  const items: Placed[] = [];
  const left = EDGE + (width - columns.length * COLUMN) / 2;
  columns.forEach((column, at) => {
    column.forEach((place, row) => {
      const down = (row + (rows - column.length) / 2) * ROW;
      items[place] = { item: plane.items[place]!, x: left + at * COLUMN + (COLUMN - CARD.w) / 2 + down * SLANT, y: top + 8 + down };
    });
  });
  const slant = depth * SLANT;
  const outline: [number, number][] = [
    [EDGE - 12, top],
    [EDGE + width, top],
    [EDGE + width + slant, top + depth + 8],
    [EDGE - 12 + slant, top + depth + 8],
  ];
  return { plane, items, outline, top };
}

/** Places all planes. Items of lower planes stand below what they belong to. */
export function stack(answer: StackAnswer): Stacked {
  const owners = answer.planes.map(() => new Map<number, number>());
  for (const { plane, upper, lower } of answer.lines) if (!owners[plane + 1]?.has(lower)) owners[plane + 1]?.set(lower, upper);
  const stepOf = (plane: number, place: number): number => {
    const owner = plane > 1 ? owners[plane]?.get(place) : undefined;
    return owner === undefined ? (answer.planes[plane]?.items[place]?.step ?? 0) : stepOf(plane - 1, owner);
  };
  const all = answer.planes.map((plane, at) => columnsOf(plane.items, (place) => stepOf(at, place)));
  const width = Math.max(2, ...all.map((columns) => columns.length)) * COLUMN;
  const planes: PlacedPlane[] = [];
  let top = 16;
  let deepest = 0;
  answer.planes.forEach((plane, at) => {
    const placed = placePlane(plane, top, all[at]!, width);
    const bottom = placed.outline[2]![1];
    deepest = Math.max(deepest, bottom - top);
    planes.push(placed);
    top = bottom + PLANE_GAP;
  });
  return { planes, w: width + deepest * SLANT + 2 * EDGE, h: top - PLANE_GAP + 16 };
}
