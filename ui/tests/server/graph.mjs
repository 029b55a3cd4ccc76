// The stand-in's answer to `/api/v1/graph`, in the shape of the real one.
import { place } from "./layout.mjs";

const WORST = ["ok", "unknown", "yellow", "red"];
export const worse = (a, b) => (WORST.indexOf(a) >= WORST.indexOf(b) ? a : b);

const reason = (rule, sort, level, value, threshold, now, unit = "%") => ({
  rule, class: sort, level, value, threshold, unit, since: now - 600_000, suggestion: level === "red" ? "Look at the callee first." : "",
});

export function edgeHealth(edge, now) {
  const reasons = [];
  if (edge.failing > 0.1) reasons.push(reason("error-rate", "performance", edge.failing > 0.25 ? "red" : "yellow", edge.failing * 100, 10, now));
  if (edge.avg > 500) reasons.push(reason("average-latency", "performance", edge.avg > 1000 ? "red" : "yellow", edge.avg, 500, now, "ms"));
  if (edge.gap > 100) reasons.push(reason("client-server-gap", "network", "yellow", edge.gap, 100, now, "ms"));
  return health(reasons);
}

const health = (reasons) => ({ level: reasons.reduce((level, it) => worse(level, it.level), "ok"), ...(reasons.length ? { reasons } : {}) });

const inbound = new WeakMap();

/** Calls that a node answers, found once per world. */
function inboundOf(world, id) {
  if (!inbound.has(world)) inbound.set(world, Map.groupBy ? Map.groupBy(world.edges, ({ target }) => target) : world.edges.reduce((all, edge) => all.set(edge.target, [...(all.get(edge.target) ?? []), edge]), new Map()));
  return inbound.get(world).get(id) ?? [];
}

export function nodeHealth(node, world, now) {
  if (node.outside && node.kind === "User") return { level: "unknown" };
  const reasons = [];
  if (node.cpu > 0.7) reasons.push(reason("cpu", "resource", node.cpu > 0.9 ? "red" : "yellow", node.cpu * 100, 70, now));
  if (node.unready) reasons.push(reason("not-ready", "scheduling", "yellow", 90, 0, now, "s"));
  for (const edge of inboundOf(world, node.id)) {
    reasons.push(...(edgeHealth(edge, now).reasons ?? []).filter((it) => it.class === "performance"));
  }
  return health(reasons.sort((a, b) => WORST.indexOf(b.level) - WORST.indexOf(a.level)));
}

export const groupName = (node) => (node.outside ? `ext:${node.kind}` : `ns:${[node.cluster, node.ns].map(encodeURIComponent).join("/")}`);

function sum(parts, seconds) {
  const requests = parts.reduce((all, part) => all + Math.round(part.rate * seconds), 0);
  const errors = parts.reduce((all, part) => all + Math.round(part.rate * part.failing * seconds), 0);
  const weight = parts.reduce((all, part) => all + part.rate, 0) || 1;
  const avg = parts.reduce((all, part) => all + part.avg * part.rate, 0) / weight;
  const gap = parts.reduce((all, part) => all + part.gap * part.rate, 0) / weight;
  const timed = requests > 0;
  const client = timed ? { avg_ms: avg, p95_ms: avg * 2.4 } : null;
  const server = timed ? { avg_ms: Math.max(0.1, avg - gap), p95_ms: Math.max(0.2, avg - gap) * 2.3 } : null;
  return { requests, errors, client_errors: Math.round(requests * 0.004), client, server };
}

const EXPECT = ["expected", "excepted", "pending", "missing", "unexpected", "forbidden"];

function fold(parts, source, target, seconds, now) {
  const protocols = {};
  for (const name of new Set(parts.map((part) => part.protocol))) {
    const { requests, errors, client } = sum(parts.filter((part) => part.protocol === name), seconds);
    protocols[name] = { requests, errors, client_errors: 0, avg_ms: client?.avg_ms, p95_ms: client?.p95_ms };
  }
  const states = parts.map((part) => edgeHealth(part, now));
  const reasons = states.flatMap((state) => state.reasons ?? []).sort((a, b) => WORST.indexOf(b.level) - WORST.indexOf(a.level));
  return {
    source, target,
    edges: parts.length,
    red: states.filter(({ level }) => level === "red").length,
    unexpected: parts.filter(({ expected }) => expected === "unexpected" || expected === "forbidden").length,
    ...sum(parts, seconds),
    protocols,
    sources: ["spans"],
    health: health(reasons),
    expected: EXPECT[Math.max(...parts.map((part) => EXPECT.indexOf(part.expected ?? "expected")))],
  };
}

/** Follows calls from `starts`. */
function near(world, starts, depth, dir) {
  const seen = new Set(starts);
  const edges = new Set();
  const walk = (from, to) => {
    let edge = [...starts];
    for (let step = 0; step < depth; step += 1) {
      const next = [];
      for (const call of world.edges) {
        if (!edge.includes(call[from])) continue;
        edges.add(call);
        if (!seen.has(call[to])) next.push(call[to]);
      }
      for (const name of next) seen.add(name);
      edge = next;
    }
  };
  if (dir !== "up") walk("source", "target");
  if (dir !== "down") walk("target", "source");
  return { seen, edges };
}

/** The few filters that tests use. */
function filtered(world, filter, now) {
  if (!filter) return world;
  let { nodes, edges } = world;
  for (const part of filter.replace(/[()]/g, (it) => (/ in \(/.test(filter) ? it : "")).split(" and ")) {
    const list = /^ns in \(([^)]*)\)$/.exec(part)?.[1].split(",").map((name) => name.trim());
    const cluster = /^cluster = "?([^"]*)"?$/.exec(part)?.[1];
    const protocol = /^not proto:(\w+)$/.exec(part)?.[1];
    if (list) nodes = nodes.filter((node) => list.includes(node.ns));
    else if (cluster) nodes = nodes.filter((node) => node.cluster === cluster);
    else if (protocol) edges = edges.filter((edge) => edge.protocol !== protocol);
    else if (part === "is:unexpected") edges = edges.filter((edge) => edge.expected === "unexpected" || edge.expected === "forbidden");
    else if (part === "is:abnormal") {
      nodes = nodes.filter((node) => ["yellow", "red"].includes(nodeHealth(node, world, now).level));
      edges = edges.filter((edge) => edgeHealth(edge, now).level !== "ok");
    } else if (!part.startsWith("not name ~")) throw new Error(`1:1: nothing is called \`${part}\` (did you mean \`ns\`?)`);
  }
  const ends = new Set(edges.flatMap((edge) => [edge.source, edge.target]));
  if (/proto:|is:unexpected|is:abnormal/.test(filter)) nodes = world.nodes.filter((node) => ends.has(node.id) || (nodes.includes(node) && filter.includes("abnormal")));
  const kept = new Set(nodes.map(({ id }) => id));
  return { nodes, edges: edges.filter((edge) => kept.has(edge.source) && kept.has(edge.target)) };
}

export function graph(world, query, window, now) {
  const seconds = window.covered_s;
  let { nodes, edges } = filtered(world, query.get("filter"), now);
  const focus = query.get("focus");
  if (focus) {
    const starts = focus.startsWith("ns:") || focus.startsWith("ext:") ? nodes.filter((node) => groupName(node) === focus).map(({ id }) => id) : focus.split(">");
    const close = near({ edges }, starts, Number(query.get("depth") ?? 1), query.get("dir") ?? "both");
    nodes = nodes.filter(({ id }) => close.seen.has(id));
    edges = edges.filter((edge) => close.edges.has(edge) || (starts.length === 2 && edge.source === starts[0] && edge.target === starts[1]));
  }
  const list = (name) => new Set((query.get(name) ?? "").split(",").filter(Boolean));
  const shut = query.get("collapse");
  const open = shut || focus ? null : list("expand");
  const isOpen = (name) => (open === null ? !list("collapse").has(name) : open.has(name));
  const groups = new Map();
  const spot = new Map();
  const drawn = [];
  for (const node of nodes) {
    const name = groupName(node);
    const group = groups.get(name) ?? { id: name, label: node.outside ? node.kind : node.ns, collapsed: !isOpen(name), nodes: 0, yellow: 0, red: 0, unexpected: 0, edges_red: 0, worst: [] };
    groups.set(name, group);
    const state = nodeHealth(node, world, now);
    group.nodes += 1;
    if (state.level === "red" || state.level === "yellow") {
      group[state.level] += 1;
      if (group.worst.length < 3) group.worst.push({ id: node.id, name: node.name, level: state.level });
    }
    spot.set(node.id, isOpen(name) ? node.id : name);
    if (!isOpen(name)) continue;
    const answered = focus || query.get("filter") ? edges.filter((edge) => edge.target === node.id) : inboundOf(world, node.id);
    drawn.push({
      id: node.id, kind: node.kind, cluster: node.cluster, namespace: node.ns, name: node.name, group: name,
      ...sum(answered, seconds), out: { requests: 0, errors: 0 }, instances: node.outside ? null : { total: node.pods, ready: node.pods - (node.unready ?? 0) },
      health: state, expected: node.missing ? "missing" : node.outside ? null : "expected",
    });
  }
  const byId = new Map(world.nodes.map((node) => [node.id, node]));
  const bundles = new Map();
  for (const edge of edges) {
    const [source, target] = [spot.get(edge.source), spot.get(edge.target)];
    if (!source || !target) continue;
    const bad = edge.expected === "unexpected" || edge.expected === "forbidden";
    for (const node of [edge.source, edge.target]) {
      const group = groups.get(groupName(byId.get(node)));
      if (bad) group.unexpected += 1;
      if (edgeHealth(edge, now).level === "red") group.edges_red += 1;
    }
    if (source === target) continue;
    const key = `${source}>${target}`;
    if (bundles.has(key)) bundles.get(key).push(edge);
    else bundles.set(key, [edge]);
  }
  const answer = {
    window, view: query.get("view") ?? "workload", complete: !world.dropped, dropped: world.dropped ?? {}, coverage: 0.97,
    groups: [...groups.values()], nodes: drawn,
    edges: [...bundles].map(([key, parts]) => fold(parts, ...key.split(">"), seconds, now)),
  };
  if (query.get("layout") === "layered") place(answer);
  return answer;
}
