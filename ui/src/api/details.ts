// What the server says of one node or one edge, and over time.
import type { Expectation, Finding, GraphEdge, Health, Latency, Level, Window } from "./types";

type Maybe<T> = T | null | undefined;

export interface Failed {
  refused: number;
  timed_out: number;
  unreachable: number;
}

export interface Network {
  bytes_sent?: Maybe<number>;
  bytes_received?: Maybe<number>;
  connections?: Maybe<number>;
  failed?: Maybe<Failed>;
  rtt_ms?: Maybe<number>;
  retransmit_ratio?: Maybe<number>;
}

export interface Numbers {
  requests: number;
  errors: number;
  client_errors: number;
  client?: Maybe<Latency>;
  server?: Maybe<Latency>;
}

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
  level?: Maybe<Level>;
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
  at?: Maybe<number>;
  url?: Maybe<string>;
}

export interface Explanation {
  cause: string;
  subject?: Maybe<string>;
  sentence?: Maybe<string>;
  evidence?: Maybe<string[]>;
  hint?: Maybe<string>;
}

interface Detail {
  window: Window;
  health: Health;
  expected?: Maybe<Expectation>;
  first_seen?: Maybe<number>;
  last_seen?: Maybe<number>;
  whole: Numbers;
  protocols: Record<string, Numbers>;
  network?: Maybe<Network>;
  events: EventSeen[];
  exemplars: Exemplar[];
  explanation?: Maybe<Explanation>;
  findings?: Maybe<Finding[]>;
  links?: Maybe<{ logs?: string }>;
}

export interface NodeDetail extends Detail {
  id: string;
  kind: string;
  name: string;
  namespace: string;
  cluster: string;
  origin?: Maybe<string>;
  replicas?: Maybe<{ desired: number; available: number }>;
  instances: Instance[];
  upstream: GraphEdge[];
  downstream: GraphEdge[];
}

export interface EdgeDetail extends Detail {
  source: string;
  target: string;
  sources: string[];
  gap_ms?: Maybe<number>;
  rows: { protocol: string; port?: Maybe<number>; transport: string; requests: number; errors: number }[];
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
