import assert from "node:assert/strict";
import test from "node:test";

import { fromColumns, type ColumnGraph } from "../../src/api/columns";
import type { Graph } from "../../src/api/types";
import { fit, formatCamera, parseCamera, reveal, seen, zoom } from "../../src/map/camera";
import { distance, elbow, halfway, pathOf } from "../../src/map/route";
import { sceneOf, widthFor } from "../../src/map/scene";
import { stack } from "../../src/views/stacking";
// @ts-expect-error The stand-in is plain JavaScript.
import { columns } from "../server/columns.mjs";
// @ts-expect-error The stand-in is plain JavaScript.
import { graph } from "../server/graph.mjs";
// @ts-expect-error The stand-in is plain JavaScript.
import { stack as stackAnswer } from "../server/details.mjs";
// @ts-expect-error The stand-in is plain JavaScript.
import { shop } from "../server/world.mjs";

const NOW = 1_764_000_000_000;
const window = { from: NOW - 900_000, to: NOW, covered_s: 900 };
const ask = (query: string): Graph => graph(shop(), new URLSearchParams(query), window, NOW);

test("columns read back to the same graph as objects", () => {
  const objects = ask("collapse=none&layout=layered");

  const back = fromColumns(columns(objects) as ColumnGraph);

  assert.equal(back.nodes.length, objects.nodes.length);
  back.edges.forEach((edge, at) => {
    const other = objects.edges[at]!;
    assert.deepEqual([edge.source, edge.target, edge.requests, edge.errors, edge.health.level, edge.expected], [other.source, other.target, other.requests, other.errors, other.health.level, other.expected]);
    assert.deepEqual(Object.keys(edge.protocols), Object.keys(other.protocols));
    assert.deepEqual(edge.health.reasons?.map(({ rule, unit, value }) => [rule, unit, value]), other.health.reasons?.map(({ rule, unit, value }) => [rule, unit, value]));
  });
  back.nodes.forEach((node, at) => {
    const other = objects.nodes[at]!;
    assert.deepEqual([node.id, node.group, node.x, node.health.level], [other.id, other.group, other.x, other.health.level]);
  });
});

test("every edge of the answer is a line of the scene, and every node a box", () => {
  const answer = ask("expand=ns:prod-1/shop&layout=layered");
  const scene = sceneOf(answer);

  assert.equal(scene.edges.length, answer.edges.length);
  assert.equal(scene.nodes.length + scene.groups.length, answer.nodes.length + answer.groups.length);
});

test("a line grows with the logarithm of the rate, from 1 to 4 px", () => {
  assert.equal(widthFor(0, 900), 1);
  assert.ok(widthFor(900, 900) > 1.5 && widthFor(900, 900) < 2.5);
  assert.equal(widthFor(1e9, 1), 4);
});

test("an edge without a way goes out to the right and in from the left, around below if it goes back", () => {
  const a = { x: 0, y: 0, w: 100, h: 40 };
  const b = { x: 200, y: 100, w: 100, h: 40 };

  assert.deepEqual(elbow(a, b), [[100, 20], [150, 20], [150, 120], [200, 120]]);
  const back = elbow(b, a);
  assert.deepEqual([back[0], back.at(-1)], [[300, 120], [0, 20]]);
  assert.ok(Math.max(...back.map(([, y]) => y)) > 140);
  assert.match(pathOf(elbow(a, b)), /^M100 20L142 20Q150 20 150 28L150 112Q150 120 158 120L200 120$/);
  assert.deepEqual(halfway(elbow(a, b)), [150, 70]);
  assert.equal(distance(elbow(a, b), [150, 60]), 0);
});

test("zooming keeps the point under the pointer, fitting shows everything", () => {
  const view = { w: 800, h: 600 };
  const camera = fit({ x: 0, y: 0, w: 4000, h: 1000 }, view);
  const window = seen(camera, view);
  assert.ok(window.x <= 0 && window.x + window.w >= 4000);

  const nearer = zoom(camera, 2, 100, -50);
  assert.ok(Math.abs(camera.x + 100 / camera.k - (nearer.x + 100 / nearer.k)) < 1e-9);
  assert.deepEqual(parseCamera(formatCamera({ x: 10, y: -20, k: 0.5 })), { x: 10, y: -20, k: 0.5 });
  assert.equal(parseCamera("a,b,c"), null);
});

test("the map pans only if what is selected would be covered", () => {
  const view = { w: 800, h: 600 };
  const camera = { x: 400, y: 300, k: 1 };

  assert.deepEqual(reveal(camera, { x: 300, y: 200, w: 176, h: 44 }, view, 0), camera);
  assert.ok(reveal(camera, { x: 900, y: 200, w: 176, h: 44 }, view, 0).x > camera.x);
});

test("the stacked view places every element inside its plane, and none on another", () => {
  const answer = stackAnswer(shop(), new URLSearchParams({ focus: "prod-1/shop/Deployment/cart" }), window);
  const placed = stack(answer);

  placed.planes.forEach(({ items, outline, plane }, at) => {
    assert.equal(items.filter(Boolean).length, answer.planes[at].items.length, plane.plane);
    const [top, bottom] = [outline[0]![1], outline[2]![1]];
    for (const { y } of items) assert.ok(y >= top && y + 28 <= bottom + 12);
    const spots = items.map(({ x, y }) => `${Math.round(x)},${Math.round(y)}`);
    assert.equal(new Set(spots).size, spots.length);
  });
});
