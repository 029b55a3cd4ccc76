// What stands where on the map: the answer of the server turned into boxes and lines, once per answer.
import type { Box, Expectation, Graph, GraphEdge, GraphGroup, GraphNode, Level } from "../api/types";
import type { Rect } from "./camera";
import { elbow, pathOf, type Point } from "./route";

export interface Placed {
  box: Box;
}
export interface SceneNode extends Placed {
  node: GraphNode;
}
export interface SceneGroup extends Placed {
  group: GraphGroup;
}
export interface SceneEdge {
  key: string;
  edge: GraphEdge;
  points: Point[];
  path: string;
  bounds: Rect;
  /** 1 to 4 px by the logarithm of the rate. */
  width: number;
  level: Level;
  expected: Expectation;
}

export interface Scene {
  nodes: SceneNode[];
  groups: SceneGroup[];
  edges: SceneEdge[];
  bounds: Rect;
  /** Everything that edges end at, by id. */
  places: Map<string, SceneNode | SceneGroup>;
  /** Edges by either end. */
  touching: Map<string, SceneEdge[]>;
}

export const edgeKey = (source: string, target: string) => `${source}>${target}`;

/** 1 px for next to nothing, 4 px for a thousand a second. */
export function widthFor(requests: number, seconds: number): number {
  const rate = requests / Math.max(1, seconds);
  return Math.min(4, 1 + Math.log10(1 + rate * 10) * 0.75);
}

function boundsOf(points: Point[]): Rect {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { x: left, y: top, w: right - left, h: bottom - top };
}

export const touches = (a: Rect, b: Rect): boolean =>
  a.x <= b.x + b.w && b.x <= a.x + a.w && a.y <= b.y + b.h && b.y <= a.y + a.h;

function hasBox(place: Partial<Box>): place is Box {
  return place.x !== undefined && place.y !== undefined && place.w !== undefined && place.h !== undefined;
}

function sceneEdge(edge: GraphEdge, from: Box, to: Box, seconds: number): SceneEdge {
  const points = edge.route && edge.route.length > 1 ? edge.route : elbow(from, to);
  return {
    key: edgeKey(edge.source, edge.target),
    edge,
    points,
    path: pathOf(points),
    bounds: boundsOf(points),
    width: widthFor(edge.requests, seconds),
    level: edge.health.level,
    expected: edge.expected ?? "expected",
  };
}

/** Turns an answer into a scene. What the server did not place is not drawn; the table has it all the same. */
export function sceneOf(graph: Graph): Scene {
  const places: Scene["places"] = new Map();
  const nodes: SceneNode[] = [];
  const groups: SceneGroup[] = [];
  for (const group of graph.groups) {
    if (!hasBox(group)) continue;
    const placed = { group, box: group };
    groups.push(placed);
    places.set(group.id, placed);
  }
  for (const node of graph.nodes) {
    if (!hasBox(node)) continue;
    const placed = { node, box: node };
    nodes.push(placed);
    places.set(node.id, placed);
  }
  const edges: SceneEdge[] = [];
  const touching: Scene["touching"] = new Map();
  for (const edge of graph.edges) {
    const from = places.get(edge.source);
    const to = places.get(edge.target);
    if (!from || !to) continue;
    const drawn = sceneEdge(edge, from.box, to.box, graph.window.covered_s);
    edges.push(drawn);
    for (const end of new Set([edge.source, edge.target])) {
      const list = touching.get(end);
      if (list) list.push(drawn);
      else touching.set(end, [drawn]);
    }
  }
  const corners = [...places.values()].flatMap(({ box }): Point[] => [[box.x, box.y], [box.x + box.w, box.y + box.h]]);
  const bounds = corners.length ? boundsOf(corners) : { x: 0, y: 0, w: 1, h: 1 };
  return { nodes, groups, edges, bounds, places, touching };
}
