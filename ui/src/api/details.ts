// What the server says of one node or one edge, and over time.
import type { Calls, Expectation, Health, Level, Maybe, Window } from "./types";

export interface Network {
  connections: number;
  refused: number;
  timed_out: number;
  unreachable: number;
  bytes_sent: number;
  bytes_received: number;
  rtt_ms?: Maybe<number>;
  retransmits: number;
  retransmit_ratio?: Maybe<number>;
}

/** What calls between two or more nodes add up to. */
export interface Numbers extends Calls {
  /** Client minus server time, over the calls that both sides saw. */
  gap_ms?: Maybe<number>;
  network?: Maybe<Network>;
}

export type ProtocolCalls = Numbers & { protocol: string };

export interface Usage {
  used?: Maybe<number>;
  share?: Maybe<number>;
  of: "limit" | "request" | "nothing";
}

export interface Instance {
  name: string;
  host?: Maybe<string>;
  phase?: Maybe<string>;
  ready?: Maybe<boolean>;
  unready_since?: Maybe<number>;
  cpu?: Maybe<Usage>;
  memory?: Maybe<Usage>;
  throttled?: Maybe<number>;
  restarts: number;
  oom_kills: number;
  logs?: Maybe<string>;
}

export interface EventSeen {
  at: number;
  reason: string;
  message: string;
  warning: boolean;
  count: number;
}

export interface Exemplar {
  trace: string;
  duration_ms: number;
  failed: boolean;
  link?: Maybe<string>;
}

/** Why something is as it is, if that can be told. */
export interface Explanation {
  cause: string;
  subject?: Maybe<string>;
  sentence?: Maybe<string>;
  hint?: Maybe<string>;
}

interface Detail {
  window: Window;
  health: Health;
  expected?: Maybe<Expectation>;
  first_seen?: Maybe<number>;
  last_seen?: Maybe<number>;
  explanation?: Maybe<Explanation>;
}

/** A node at the other end of calls. */
export interface Neighbour extends Omit<Calls, "client_errors"> {
  id: string;
  protocols: string[];
  level: Level;
  expected?: Maybe<Expectation>;
}

export type Flows = Numbers & { protocols: ProtocolCalls[]; anonymous: boolean };

export interface NodeDetail extends Detail {
  id: string;
  kind: string;
  name: string;
  namespace: string;
  cluster: string;
  origin?: Maybe<string>;
  /** The same in the other view: the workloads behind a Service, the Services before a workload. */
  also: string[];
  inbound: Flows;
  outbound: Flows;
  replicas?: Maybe<{ desired: number; available: number }>;
  instances: Instance[];
  upstream: Neighbour[];
  downstream: Neighbour[];
  events: EventSeen[];
  logs?: Maybe<string>;
}

export interface EdgeDetail extends Detail, Numbers {
  source: string;
  target: string;
  sources: string[];
  /** On how many of the last 64 days it was seen. */
  days?: Maybe<number>;
  protocols: ProtocolCalls[];
  rows: (Numbers & { protocol: string; port?: Maybe<number>; transport: string })[];
  exemplars: Exemplar[];
}

/** Numbers over time, one column per metric and protocol; `null` where nothing was kept. */
export interface Series {
  /** Start of each step, in milliseconds. */
  times: number[];
  step_s: number;
  protocols: Record<string, Partial<Record<Metric, (number | null)[]>>>;
}

export type Metric =
  | "requests"
  | "errors"
  | "client_errors"
  | "client_avg_ms"
  | "client_p95_ms"
  | "server_avg_ms"
  | "server_p95_ms"
  | "bytes_sent"
  | "bytes_received"
  | "connections"
  | "failed"
  | "rtt_ms"
  | "retransmits";

export interface Ends {
  source: string;
  target: string;
}

export type Difference = "protocols" | "ports" | "rate" | "errors" | "latency";

/** An edge that differs between two windows. */
export interface EdgeChange extends Ends {
  what: Difference[];
  before: Numbers & { rate?: Maybe<number> };
  after: Numbers & { rate?: Maybe<number> };
  protocols_added?: string[];
  protocols_removed?: string[];
  ports_added?: number[];
  ports_removed?: number[];
}

export interface Comparison {
  before: Window;
  after: Window;
  same: boolean;
  nodes: { added: string[]; removed: string[] };
  edges: { added: Ends[]; removed: Ends[]; changed?: EdgeChange[] };
}

export type PathVerdict = "ok" | "failing" | "refused" | "timed_out" | "unreachable" | "never_tried";

/** Whether A reaches B. */
export interface Check {
  window: Window;
  verdict: PathVerdict;
  hops: (Ends & { verdict: PathVerdict; requests: number; errors: number; connections: number; refused: number; timed_out: number; unreachable: number })[];
}
