// The stand-in's `format=columns`.
const LEVELS = ["unknown", "ok", "yellow", "red"];
const EXPECT = ["expected", "excepted", "pending", "missing", "unexpected", "forbidden"];
const LANES = ["spans", "service_graph", "red", "flows"];

export function columns(graph) {
  const texts = [];
  const places = new Map();
  const text = (word) => {
    if (!places.has(word)) places.set(word, texts.push(word) - 1);
    return places.get(word);
  };
  const pick = (rows, read) => rows.map(read);
  const calls = (rows) => ({
    requests: pick(rows, (row) => row.requests),
    errors: pick(rows, (row) => row.errors),
    client_errors: pick(rows, (row) => row.client_errors),
    client_avg_ms: pick(rows, (row) => row.client?.avg_ms ?? null),
    client_p95_ms: pick(rows, (row) => row.client?.p95_ms ?? null),
    server_avg_ms: pick(rows, (row) => row.server?.avg_ms ?? null),
    server_p95_ms: pick(rows, (row) => row.server?.p95_ms ?? null),
  });
  const state = (rows) => {
    const reasons = rows.flatMap((row, of) => (row.health.reasons ?? []).map((reason) => ({ of, ...reason })));
    return {
      level: pick(rows, (row) => LEVELS.indexOf(row.health.level)),
      expected: pick(rows, (row) => (row.expected ? EXPECT.indexOf(row.expected) : null)),
      reasons: {
        of: pick(reasons, (it) => it.of), rule: pick(reasons, (it) => text(it.rule)), class: pick(reasons, (it) => text(it.class)),
        level: pick(reasons, (it) => LEVELS.indexOf(it.level)), value: pick(reasons, (it) => it.value), threshold: pick(reasons, (it) => it.threshold), since: pick(reasons, (it) => it.since), unit: pick(reasons, (it) => text(it.unit)),
      },
    };
  };
  const box = (rows) => (rows.every((row) => row.x !== undefined) ? { x: pick(rows, (row) => row.x), y: pick(rows, (row) => row.y), w: pick(rows, (row) => row.w), h: pick(rows, (row) => row.h) } : {});
  const { groups, nodes, edges } = graph;
  const at = new Map([...nodes, ...groups].map(({ id }, place) => [id, place]));
  const groupAt = new Map(groups.map(({ id }, place) => [id, place]));
  const spoken = edges.flatMap((edge, of) => Object.entries(edge.protocols).map(([name, numbers]) => ({ of, name, ...numbers })));
  const of = (rows, name) => pick(rows, (row) => row[name]);
  return {
    window: graph.window, view: graph.view, complete: graph.complete, dropped: graph.dropped, coverage: graph.coverage,
    levels: LEVELS, expectations: EXPECT, lanes: LANES, texts,
    groups: {
      ...Object.fromEntries(["id", "label", "collapsed", "nodes", "yellow", "red", "unexpected", "edges_red"].map((name) => [name, of(groups, name)])),
      worst: pick(groups, ({ worst }) => worst.map(({ name, level }) => [name, LEVELS.indexOf(level)])), ...box(groups),
    },
    nodes: {
      id: of(nodes, "id"), kind: pick(nodes, (it) => text(it.kind)), cluster: pick(nodes, (it) => text(it.cluster)), namespace: pick(nodes, (it) => text(it.namespace)), name: of(nodes, "name"),
      group: pick(nodes, (it) => groupAt.get(it.group)), out_requests: pick(nodes, () => 0), out_errors: pick(nodes, () => 0),
      instances: pick(nodes, (it) => it.instances?.total ?? null), ready: pick(nodes, (it) => it.instances?.ready ?? null), ...calls(nodes), ...state(nodes), ...box(nodes),
    },
    edges: {
      source: pick(edges, (it) => at.get(it.source)), target: pick(edges, (it) => at.get(it.target)), edges: of(edges, "edges"), red: of(edges, "red"), unexpected: of(edges, "unexpected"), sources: pick(edges, () => 1),
      ...calls(edges), ...state(edges),
      protocols: { of: of(spoken, "of"), protocol: pick(spoken, (it) => text(it.name)), requests: of(spoken, "requests"), errors: of(spoken, "errors"), avg_ms: pick(spoken, (it) => it.avg_ms ?? null) },
      network: { of: [], connections: [], failed_connects: [], bytes_sent: [], bytes_received: [] },
    },
  };
}
