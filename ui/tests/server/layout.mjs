// A simple layered layout for the stand-in server: columns by longest path inside groups, groups by longest path.

const CARD = { w: 176, h: 44 };
const GAP = { x: 72, y: 20 };
/** Long chains are folded into this many columns. */
const DEEPEST = 7;

/** Layer of each id by longest path, with edges that close a cycle left out. */
function layers(ids, edges) {
  const out = new Map(ids.map((name) => [name, []]));
  for (const [from, to] of edges) if (from !== to) out.get(from)?.push(to);
  const layer = new Map();
  const state = new Map();
  const order = [];
  const visit = (start) => {
    const stack = [[start, 0]];
    state.set(start, 1);
    while (stack.length) {
      const top = stack.at(-1);
      const next = out.get(top[0])[top[1]];
      top[1] += 1;
      if (next === undefined) {
        order.push(top[0]);
        state.set(top[0], 2);
        stack.pop();
      } else if (!state.has(next) && out.has(next)) {
        state.set(next, 1);
        stack.push([next, 0]);
      }
    }
  };
  for (const name of ids) if (!state.has(name)) visit(name);
  const place = new Map(order.reverse().map((name, at) => [name, at]));
  for (const name of order) {
    layer.set(name, layer.get(name) ?? 0);
    for (const to of out.get(name)) if (place.get(to) > place.get(name)) layer.set(to, Math.max(layer.get(to) ?? 0, layer.get(name) + 1));
  }
  return layer;
}

function columns(boxes, edges, highest) {
  const layer = layers(boxes.map(({ id }) => id), edges);
  const deepest = Math.max(1, ...layer.values());
  const byLayer = new Map();
  for (const box of boxes) {
    const at = deepest > DEEPEST ? Math.floor((layer.get(box.id) / deepest) * DEEPEST) : layer.get(box.id);
    if (!byLayer.has(at)) byLayer.set(at, []);
    byLayer.get(at).push(box);
  }
  let x = 0;
  let most = 0;
  for (const at of [...byLayer.keys()].sort((a, b) => a - b)) {
    const column = byLayer.get(at);
    let y = 0;
    let widest = 0;
    for (const box of column) {
      if (y > 0 && y + box.h > highest) {
        x += widest + GAP.x;
        y = 0;
        widest = 0;
      }
      Object.assign(box, { x, y });
      y += box.h + GAP.y;
      widest = Math.max(widest, box.w);
      most = Math.max(most, y - GAP.y);
    }
    x += widest + GAP.x;
  }
  return { w: Math.max(CARD.w, x - GAP.x), h: Math.max(CARD.h, most) };
}

/** Adds x, y, w, h to groups and nodes of a graph. */
export function place(graph) {
  const groupOf = new Map(graph.nodes.map((node) => [node.id, node.group]));
  const owner = (spot) => groupOf.get(spot) ?? spot;
  const boxes = [];
  for (const group of graph.groups) {
    if (group.collapsed) {
      boxes.push(Object.assign(group, { w: 208, h: 60 + 16 * Math.min(3, group.worst?.length ?? 0) }));
      continue;
    }
    const members = graph.nodes.filter((node) => node.group === group.id);
    for (const node of members) Object.assign(node, CARD);
    const inner = graph.edges.filter((edge) => groupOf.get(edge.source) === group.id && groupOf.get(edge.target) === group.id);
    const size = columns(members, inner.map((edge) => [edge.source, edge.target]), Math.max(400, Math.sqrt(members.length) * 90));
    boxes.push(Object.assign(group, { w: size.w + 32, h: size.h + 64 }));
  }
  const between = graph.edges.map((edge) => [owner(edge.source), owner(edge.target)]);
  columns(boxes, between, Math.max(900, Math.sqrt(boxes.reduce((sum, box) => sum + box.w * box.h, 0)) * 0.8));
  const at = new Map(boxes.map((box) => [box.id, box]));
  for (const node of graph.nodes) {
    const group = at.get(node.group);
    node.x += group.x + 16;
    node.y += group.y + 48;
  }
}
