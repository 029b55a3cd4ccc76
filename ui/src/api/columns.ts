// Large graphs come as columns, a tenth of the size: one array per field, texts once, ids by position.
import type { Calls, Expectation, Graph, GraphEdge, GraphGroup, GraphNode, Health, Latency, Level, ProblemClass, Reason, Window } from "./types";

type Column<T> = T[];
type Sparse<T> = (T | null)[];

interface CallColumns {
  requests: Column<number>;
  errors: Column<number>;
  client_errors: Column<number>;
  client_avg_ms: Sparse<number>;
  client_p95_ms: Sparse<number>;
  server_avg_ms: Sparse<number>;
  server_p95_ms: Sparse<number>;
}

interface StateColumns {
  level: Column<number>;
  expected: Sparse<number>;
  reasons: {
    of: Column<number>;
    rule: Column<number>;
    class: Column<number>;
    level: Column<number>;
    value: Column<number>;
    threshold: Column<number>;
    since: Column<number>;
    unit?: Column<number>;
  };
}

interface BoxColumns {
  x?: Column<number>;
  y?: Column<number>;
  w?: Column<number>;
  h?: Column<number>;
}

export interface ColumnGraph {
  window: Window;
  complete: boolean;
  dropped: Record<string, number>;
  coverage?: number;
  levels: Level[];
  expectations: Expectation[];
  lanes: string[];
  texts: string[];
  groups: BoxColumns & {
    id: Column<string>;
    label: Column<string>;
    collapsed: Column<boolean>;
    nodes: Column<number>;
    yellow: Column<number>;
    red: Column<number>;
    unexpected: Column<number>;
    edges_red: Column<number>;
    worst: Column<[string, number][]>;
  };
  nodes: BoxColumns &
    CallColumns &
    StateColumns & {
      id: Column<string>;
      kind: Column<number>;
      cluster: Column<number>;
      namespace: Column<number>;
      name: Column<string>;
      group: Column<number>;
      instances: Sparse<number>;
      ready: Sparse<number>;
    };
  edges: CallColumns &
    StateColumns & {
      source: Column<number>;
      target: Column<number>;
      edges: Column<number>;
      red: Column<number>;
      unexpected: Column<number>;
      sources: Column<number>;
      protocols: { of: Column<number>; protocol: Column<number>; requests: Column<number>; errors: Column<number>; avg_ms: Sparse<number> };
      /** Per edge: x and y of each point of its way, alternating. */
      route?: Column<number[]>;
    };
}

export const isColumns = (answer: unknown): answer is ColumnGraph => typeof answer === "object" && answer !== null && "texts" in answer;

function side(avg: number | null | undefined, p95: number | null | undefined): Latency | null {
  return avg === null || avg === undefined ? null : { avg_ms: avg, p95_ms: p95 ?? null };
}

function calls(columns: CallColumns, at: number): Calls {
  return {
    requests: columns.requests[at]!,
    errors: columns.errors[at]!,
    client_errors: columns.client_errors[at]!,
    client: side(columns.client_avg_ms[at], columns.client_p95_ms[at]),
    server: side(columns.server_avg_ms[at], columns.server_p95_ms[at]),
  };
}

/** Health of each row. */
function healths({ level, reasons }: StateColumns, { levels, texts }: ColumnGraph): Health[] {
  const all: Health[] = level.map((code) => ({ level: levels[code] ?? "unknown" }));
  reasons.of.forEach((row, at) => {
    const reason: Reason = {
      rule: texts[reasons.rule[at]!] ?? "",
      class: (texts[reasons.class[at]!] ?? "performance") as ProblemClass,
      level: levels[reasons.level[at]!] ?? "unknown",
      value: reasons.value[at]!,
      threshold: reasons.threshold[at]!,
      since: reasons.since[at]!,
      unit: texts[reasons.unit?.[at] ?? -1] ?? "",
    };
    const health = all[row];
    if (health) (health.reasons ??= []).push(reason);
  });
  return all;
}

function box({ x, y, w, h }: BoxColumns, at: number) {
  return x && y && w && h ? { x: x[at]!, y: y[at]!, w: w[at]!, h: h[at]! } : {};
}

function groupsOf(graph: ColumnGraph): GraphGroup[] {
  const { groups, levels } = graph;
  return groups.id.map((id, at) => ({
    id,
    label: groups.label[at]!,
    collapsed: groups.collapsed[at]!,
    nodes: groups.nodes[at]!,
    yellow: groups.yellow[at]!,
    red: groups.red[at]!,
    unexpected: groups.unexpected[at]!,
    edges_red: groups.edges_red[at]!,
    worst: (groups.worst[at] ?? []).map(([name, code]) => ({ name, level: levels[code] ?? "unknown" })),
    ...box(groups, at),
  }));
}

function nodesOf(graph: ColumnGraph): GraphNode[] {
  const { nodes, texts, groups, expectations } = graph;
  const health = healths(nodes, graph);
  return nodes.id.map((id, at) => {
    const [total, expected] = [nodes.instances[at], nodes.expected[at]];
    return {
      id,
      kind: texts[nodes.kind[at]!] ?? "Unknown",
      cluster: texts[nodes.cluster[at]!] ?? "",
      namespace: texts[nodes.namespace[at]!] ?? "",
      name: nodes.name[at]!,
      group: groups.id[nodes.group[at]!] ?? "",
      instances: total === null || total === undefined ? null : { total, ready: nodes.ready[at] ?? 0 },
      health: health[at]!,
      expected: expected === null || expected === undefined ? null : expectations[expected]!,
      ...calls(nodes, at),
      ...box(nodes, at),
    };
  });
}

function pairs(flat: number[] | undefined): [number, number][] | null {
  if (!flat || flat.length < 4) return null;
  return Array.from({ length: flat.length >> 1 }, (_, at) => [flat[2 * at]!, flat[2 * at + 1]!]);
}

function edgesOf(graph: ColumnGraph): GraphEdge[] {
  const { nodes, groups, edges, texts, lanes, expectations } = graph;
  const health = healths(edges, graph);
  const spot = (place: number) => nodes.id[place] ?? groups.id[place - nodes.id.length] ?? "";
  const all = edges.source.map((source, at): GraphEdge => {
    const expected = edges.expected[at];
    return {
      source: spot(source),
      target: spot(edges.target[at]!),
      edges: edges.edges[at]!,
      red: edges.red[at]!,
      unexpected: edges.unexpected[at]!,
      protocols: {},
      sources: lanes.filter((_, bit) => (edges.sources[at]! >> bit) & 1),
      health: health[at]!,
      expected: expected === null || expected === undefined ? null : expectations[expected]!,
      route: pairs(edges.route?.[at]),
      ...calls(edges, at),
    };
  });
  edges.protocols.of.forEach((row, at) => {
    const edge = all[row];
    const name = texts[edges.protocols.protocol[at]!];
    if (!edge || !name) return;
    edge.protocols[name] = { requests: edges.protocols.requests[at]!, errors: edges.protocols.errors[at]!, avg_ms: edges.protocols.avg_ms[at] };
  });
  return all;
}

/** The same graph as objects. */
export function fromColumns(columns: ColumnGraph): Graph {
  const { window, complete, dropped, coverage } = columns;
  return { window, complete, dropped, coverage, groups: groupsOf(columns), nodes: nodesOf(columns), edges: edgesOf(columns) };
}
