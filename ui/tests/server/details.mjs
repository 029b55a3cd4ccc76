// The stand-in's answers about one node or edge, over time, to searches and to comparisons.
import { edgeHealth, graph, groupName, nodeHealth } from "./graph.mjs";

const numbers = (edges, window) => {
  const seconds = window.covered_s;
  const requests = edges.reduce((all, it) => all + Math.round(it.rate * seconds), 0);
  const errors = edges.reduce((all, it) => all + Math.round(it.rate * it.failing * seconds), 0);
  const weight = edges.reduce((all, it) => all + it.rate, 0) || 1;
  const avg = edges.reduce((all, it) => all + it.avg * it.rate, 0) / weight;
  const gap = edges.reduce((all, it) => all + it.gap * it.rate, 0) / weight;
  return { requests, errors, client_errors: Math.round(requests * 0.004), client: { avg_ms: avg, p95_ms: avg * 2.4 }, server: { avg_ms: avg - gap, p95_ms: (avg - gap) * 2.3 }, gap_ms: gap, network: edges.length ? network(edges) : undefined };
};

const byProtocol = (edges, window) => [...new Set(edges.map((it) => it.protocol))].map((protocol) => ({ protocol, ...numbers(edges.filter((it) => it.protocol === protocol), window) }));

const flows = (edges, window) => ({ ...numbers(edges, window), protocols: byProtocol(edges, window), anonymous: false });

const network = (edges) => ({
  bytes_sent: edges.length * 1.2e6, bytes_received: edges.length * 8.4e6, connections: edges.length * 12,
  refused: 0, timed_out: edges.some((it) => it.gap > 100) ? 7 : 0, unreachable: 0, retransmits: 4,
  rtt_ms: edges.some((it) => it.gap > 50) ? 84 : 0.4, retransmit_ratio: edges.some((it) => it.gap > 50) ? 0.031 : 0.0004,
});

const exemplars = (edges) => (edges.length ? [
  { trace: "4bf92f3577b34da6a3ce929d0e0e4736", duration_ms: 1830, failed: false, link: "https://traces.example/4bf92f3577b34da6a3ce929d0e0e4736" },
  { trace: "00f067aa0ba902b7a3ce929d0e0e4736", duration_ms: 214, failed: true },
] : []);

function instances(node) {
  return Array.from({ length: node.pods }, (_, at) => ({
    name: `${node.name}-7d9c5b8f6-${"abcdefgh"[at]}x2k${at}`, host: `node-${at + 1}`, phase: "Running", ready: at >= (node.unready ?? 0),
    unready_since: at < (node.unready ?? 0) ? Date.now() - 400_000 : null,
    cpu: { used: (node.cpu ?? 0.2) * 0.5, share: node.cpu ?? 0.2, of: "limit" }, memory: { used: 180e6, share: 0.35, of: "limit" },
    throttled: node.throttled ?? 0, restarts: 0, oom_kills: 0, logs: at === 0 ? "https://logs.example/" : null,
  }));
}

const neighbour = (end, window) => (it) => {
  const { requests, errors, client, server } = numbers([it], window);
  return { id: it[end], requests, errors, client, server, protocols: [it.protocol], sources: ["spans"], level: edgeHealth(it, window.to).level, expected: it.expected ?? "expected" };
};

export function node(world, name, window) {
  const it = world.nodes.find(({ id }) => id === name);
  if (!it) return null;
  const inbound = world.edges.filter((edge) => edge.target === name);
  const outbound = world.edges.filter((edge) => edge.source === name);
  return {
    window, id: name, kind: it.kind, name: it.name, namespace: it.ns, cluster: it.cluster, also: it.outside ? [] : [name.replace(`/${it.kind}/`, "/Service/")],
    health: nodeHealth(it, world, window.to), expected: it.missing ? "missing" : it.outside ? null : "expected",
    first_seen: window.to - 86_400_000 * 12, last_seen: window.to - 4_000, inbound: flows(inbound, window), outbound: flows(outbound, window),
    replicas: it.outside ? null : { desired: it.pods, available: it.pods - (it.unready ?? 0) },
    instances: instances(it), upstream: inbound.map(neighbour("source", window)), downstream: outbound.map(neighbour("target", window)),
    events: it.unready ? [{ at: window.to - 300_000, reason: "Unhealthy", message: "Readiness probe failed: HTTP probe failed with statuscode: 503", warning: true, count: 14 }] : [],
    explanation: it.cpu > 0.9 ? { cause: "cpu", subject: name, hint: "Raise the CPU limit, or find what got expensive." } : { cause: "unknown" },
    logs: `https://logs.example/?q=${encodeURIComponent(it.name)}`,
  };
}

export function edge(world, source, target, window) {
  const it = world.edges.find((call) => call.source === source && call.target === target);
  if (!it) return null;
  const whole = numbers([it], window);
  return {
    window, source, target, sources: ["spans", "flows"], health: edgeHealth(it, window.to), expected: it.expected ?? "expected", days: 3,
    first_seen: window.to - 3_600_000, last_seen: window.to - 3_000, ...whole, protocols: byProtocol([it], window),
    rows: [{ ...whole, protocol: it.protocol, port: it.port, transport: "tcp" }],
    exemplars: exemplars([it]), explanation: it.gap > 100 ? { cause: "network", subject: target } : { cause: "unknown" },
  };
}

export function series(world, query, window) {
  const [node, source, target] = ["node", "source", "target"].map((name) => query.get(name));
  const edges = world.edges.filter((it) => (node ? it.target === node : it.source === source && it.target === target));
  const steps = 60;
  const step = (window.to - window.from) / steps;
  const times = Array.from({ length: steps }, (_, at) => window.from + at * step);
  const wave = (at, base, swing) => base * (1 + swing * Math.sin(at / 5) + swing * 0.4 * Math.sin(at * 1.7));
  const protocols = {};
  for (const it of edges) {
    const column = (base, swing = 0.2) => times.map((_, at) => (at < 4 ? null : Math.max(0, wave(at, base, swing))));
    protocols[it.protocol] = {
      requests: column((it.rate * step) / 1000), errors: column((it.rate * it.failing * step) / 1000, 0.5),
      client_p95_ms: column(it.avg * 2.4), server_p95_ms: column((it.avg - it.gap) * 2.3), rtt_ms: column(it.gap > 50 ? 84 : 0.4), retransmits: column(it.gap > 50 ? 9 : 0.2),
    };
  }
  return { times, step_s: step / 1000, protocols };
}

export function search(world, text) {
  const lower = text.toLowerCase();
  const hits = world.nodes.filter((node) => node.name.toLowerCase().includes(lower)).slice(0, 10);
  return { hits: hits.map((node) => ({ id: node.id, name: node.name, kind: node.kind, namespace: node.ns, group: groupName(node), level: nodeHealth(node, world, Date.now()).level })) };
}

export function findings(world) {
  const sorts = { unexpected: "edge.unexpected", forbidden: "edge.forbidden", missing: "edge.missing" };
  const open = world.edges.filter((edge) => sorts[edge.expected]);
  return { findings: open.map((edge, at) => ({ id: `f${at}`, kind: sorts[edge.expected], source: edge.source, target: edge.target, state: "open", level: edge.expected === "missing" ? "yellow" : "red", first_seen: Date.now() - 3_600_000, last_seen: Date.now(), count: 120 })) };
}

export function history(world, window) {
  const steps = 60;
  const nodes = world.nodes.length;
  return {
    from: window.from, step_s: (window.to - window.from) / 1000 / steps,
    nodes: Array.from({ length: steps }, () => nodes),
    yellow: Array.from({ length: steps }, (_, at) => (at > 20 ? Math.ceil(nodes * 0.06) : 0)),
    red: Array.from({ length: steps }, (_, at) => (at > 34 ? Math.ceil(nodes * 0.12) : 0)),
  };
}

/** The focus and its neighbours in four planes. The shop has one Service per workload. */
export function stack(world, query, window) {
  const focus = query.get("focus");
  const drawn = graph(world, new URLSearchParams({ focus, depth: query.get("depth") ?? "1", dir: query.get("dir") ?? "both" }), window, window.to);
  const steps = new Map(focus.split(">").map((id) => [id, 0]));
  for (const edge of drawn.edges) {
    if (steps.get(edge.source) === 0 && !steps.has(edge.target)) steps.set(edge.target, 1);
    if (steps.get(edge.target) === 0 && !steps.has(edge.source)) steps.set(edge.source, -1);
  }
  const all = drawn.nodes.map((node) => ({ id: node.id, name: node.name, kind: node.kind, level: node.health.level, step: steps.get(node.id) ?? 0, focus: focus.split(">").includes(node.id) }));
  const at = new Map(all.map(({ id }, place) => [id, place]));
  const services = all.map((it) => ({ ...it, kind: it.id.split("/")[1] ? "Service" : it.kind }));
  const pods = [];
  const hosts = [];
  const lines = all.map((_, place) => ({ plane: 0, upper: place, lower: place }));
  all.forEach((it, upper) => {
    for (const pod of instances(world.nodes.find(({ id }) => id === it.id))) {
      lines.push({ plane: 1, upper, lower: pods.length });
      let host = hosts.findIndex(({ name }) => name === pod.host);
      if (host < 0) host = hosts.push({ id: pod.host, name: pod.host, kind: "Host", level: "ok", step: 0, focus: false }) - 1;
      lines.push({ plane: 2, upper: pods.length, lower: host });
      pods.push({ id: pod.name, name: pod.name, kind: "Pod", level: !pod.ready || pod.cpu.share > 0.9 ? "red" : "ok", step: 0, focus: false });
    }
  });
  const calls = [0, 1].flatMap((plane) => drawn.edges.map((edge) => ({ plane, source: at.get(edge.source), target: at.get(edge.target), level: edge.health.level })));
  const planes = [["service", services], ["workload", all], ["pod", pods], ["host", hosts]];
  return { window, planes: planes.map(([plane, items]) => ({ plane, items, hidden: 0 })), calls, lines };
}

/** A day earlier the shop had no rogue cache, had one more call, and was faster. */
export function diff(world, query) {
  const [before, after] = ["a", "b"].map((name) => {
    const [from, to] = query.get(name).split("..").map((seconds) => Number(seconds) * 1000);
    return { from, to, covered_s: (to - from) / 1000 };
  });
  const rogue = world.edges.find((edge) => edge.expected === "unexpected");
  const slow = world.edges.find((edge) => edge.avg > 1000);
  if (!rogue || after.from - before.from < 3_700_000) return { before, after, same: true, nodes: { added: [], removed: [] }, edges: { added: [], removed: [] } };
  const now = numbers([slow], after);
  return {
    before, after, same: false,
    nodes: { added: [rogue.target], removed: ["prod-1/shop/Deployment/old-cart"] },
    edges: {
      added: [{ source: rogue.source, target: rogue.target }], removed: [{ source: rogue.source, target: "prod-1/shop/Deployment/old-cart" }],
      changed: [{ source: slow.source, target: slow.target, what: ["latency", "rate"], before: { ...now, rate: slow.rate * 2, client: { avg_ms: 20, p95_ms: 48 } }, after: { ...now, rate: slow.rate } }],
    },
  };
}

export function path(world, query, window) {
  const find = (name) => world.nodes.find((node) => node.id === name || node.name === name);
  const [a, b] = [find(query.get("a")), find(query.get("b"))];
  if (!a || !b) throw new Error(`no node is called \`${query.get(a ? "b" : "a")}\``);
  const call = world.edges.find((edge) => edge.source === a.id && edge.target === b.id && edge.rate > 0);
  if (!call) return { window, verdict: "never_tried", hops: [] };
  const { requests, errors } = numbers([call], window);
  return { window, verdict: "ok", hops: [{ source: a.id, target: b.id, verdict: "ok", requests, errors, connections: 12, refused: 0, timed_out: 0, unreachable: 0 }] };
}
