// What the server answers under /api/v1, as far as the page reads it. Numbers are numbers; what is not known is absent or
// null. Moments are milliseconds since the epoch.

export type Level = "unknown" | "ok" | "yellow" | "red";
export type Expectation = "expected" | "excepted" | "pending" | "missing" | "unexpected" | "forbidden";
export type ProblemClass = "architecture" | "performance" | "resource" | "scheduling" | "network";
export type Maybe<T> = T | null | undefined;

/** How bad a level is, for sorting. Not to know is worse than to know that all is well. */
export const BADNESS: Readonly<Record<Level, number>> = { ok: 0, unknown: 1, yellow: 2, red: 3 };

export interface Reason {
  rule: string;
  class: ProblemClass;
  level: Level;
  value: number;
  threshold: number;
  /** What both are measured in: `%`, `ms`, `s`, or nothing. */
  unit?: string;
  since?: Maybe<number>;
  suggestion?: Maybe<string>;
}

export interface Health {
  level: Level;
  /** Worst first; absent if no rule fires. */
  reasons?: Reason[];
}

export interface Window {
  from: number;
  to: number;
  covered_s: number;
}

export interface Latency {
  avg_ms?: Maybe<number>;
  p95_ms?: Maybe<number>;
}

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface GraphGroup extends Partial<Box> {
  id: string;
  label: string;
  collapsed: boolean;
  nodes: number;
  yellow: number;
  red: number;
  unexpected: number;
  edges_red: number;
  worst?: { name: string; level: Level }[];
}

export interface Calls {
  requests: number;
  errors: number;
  client_errors: number;
  /** As the callers saw it. */
  client?: Maybe<Latency>;
  /** As the called saw it. */
  server?: Maybe<Latency>;
}

/** A node, with the calls that it answered. */
export interface GraphNode extends Calls, Partial<Box> {
  id: string;
  kind: string;
  cluster: string;
  namespace: string;
  name: string;
  group: string;
  instances?: Maybe<{ total: number; ready: number }>;
  health: Health;
  expected?: Maybe<Expectation>;
}

export interface ProtocolNumbers {
  requests: number;
  errors: number;
  client_errors?: number;
  avg_ms?: Maybe<number>;
  p95_ms?: Maybe<number>;
}

export interface GraphEdge extends Calls {
  source: string;
  target: string;
  /** How many edges between nodes it stands for, how many of them are red, how many unexpected or forbidden. */
  edges: number;
  red: number;
  unexpected: number;
  protocols: Record<string, ProtocolNumbers>;
  sources: string[];
  health: Health;
  expected?: Maybe<Expectation>;
  route?: Maybe<[number, number][]>;
}

export interface Graph {
  window: Window;
  complete: boolean;
  dropped: Record<string, number>;
  coverage?: Maybe<number>;
  groups: GraphGroup[];
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export interface Finding {
  id: string;
  kind: string;
  source?: Maybe<string>;
  target?: Maybe<string>;
  node?: Maybe<string>;
  state: string;
  level: Level;
  first_seen?: Maybe<number>;
  last_seen?: Maybe<number>;
  count?: Maybe<number>;
  evidence?: Maybe<string[]>;
  reason?: Maybe<string>;
}

export interface Findings {
  findings: Finding[];
}

/** How many nodes were in which state, step by step. */
export interface History {
  from: number;
  step_s: number;
  nodes: number[];
  yellow: number[];
  red: number[];
}

export interface Hit {
  id: string;
  name: string;
  kind?: Maybe<string>;
  namespace?: Maybe<string>;
  group?: Maybe<string>;
  level?: Maybe<Level>;
}

export interface Hits {
  hits: Hit[];
}

export type PlaneName = "service" | "workload" | "pod" | "host";

export interface StackItem {
  id: string;
  name: string;
  kind: string;
  level: Level;
  /** How many calls from the focus: callers negative. */
  step: number;
  focus: boolean;
}

export interface Plane {
  plane: PlaneName;
  items: StackItem[];
  /** How many more there are. */
  hidden: number;
}

/** What the focus and its neighbours are, what they run as, and where: four planes. Numbers are positions in `items`. */
export interface StackAnswer {
  window: Window;
  planes: Plane[];
  calls: { plane: number; source: number; target: number; level: Level }[];
  /** From an item of `plane` to one of the next: ownership, placement. */
  lines: { plane: number; upper: number; lower: number }[];
}
