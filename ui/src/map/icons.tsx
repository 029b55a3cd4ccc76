// One set of line icons on a 16 px grid: kinds of nodes, shapes of health, marks of expectation, controls.
import type { Expectation, Level } from "../api/types";

const LINES = {
  service: "M8 1.5 14 5v6L8 14.5 2 11V5zM2 5l6 3.5L14 5M8 8.5v6",
  deployment: "M3 5.5h10v8H3zM5 3.5h8.5M5 3.5h10v8M3 9.5h10",
  statefulset: "M3 2.5h10v11H3zM3 6h10M3 9.8h10M5 4.3h1M5 7.9h1M5 11.7h1",
  daemonset: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 5.2v5.6M5.2 8h5.6",
  job: "M3 8a5 5 0 1 1 1.6 3.7M3 13v-2.6h2.6M6.6 5.8 10.4 8l-3.8 2.2z",
  pod: "M8 2l5.2 3v6L8 14l-5.2-3V5z",
  host: "M2.5 3.5h11v4h-11zM2.5 8.5h11v4h-11zM4.5 5.5h1M4.5 10.5h1",
  namespace: "M2.5 5.5v-2h2M11.5 3.5h2v2M13.5 10.5v2h-2M4.5 12.5h-2v-2M5.5 6.5h5v3h-5z",
  database: "M3 4c0-2.6 10-2.6 10 0v8c0 2.6-10 2.6-10 0zM3 4c0 2.6 10 2.6 10 0M3 8c0 2.6 10 2.6 10 0",
  cache: "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z",
  queue: "M2 4.5h3v7H2zM6.5 4.5h3v7h-3zM11 4.5h3v7h-3z",
  dns: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM2 8h12M8 2c3.4 3.6 3.4 8.4 0 12M8 2c-3.4 3.6-3.4 8.4 0 12",
  http: "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5M9.3 3l-2.6 10",
  storage: "M2.5 4h11l-1.3 9.5H3.8zM2.5 4c0-2 11-2 11 0",
  ip: "M3.5 8h9M8 3.5v9M2 8a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0M11 8a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0",
  user: "M8 2.5a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.4zM2.8 13.5c.8-5 9.6-5 10.4 0",
  unknown: "M5.5 6a2.5 2.5 0 1 1 3.6 2.2C8 8.8 8 9.4 8 10.3M8 12.3v.9",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3 14 14",
  filter: "M2 3h12L9.5 8.5V13l-3-1.5v-3z",
  clock: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 4.8V8l2.4 1.6",
  play: "M5 3.5v9L12.5 8z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  left: "M10 3.5 5.5 8l4.5 4.5",
  right: "M6 3.5 10.5 8 6 12.5",
  down: "M3.5 6 8 10.5 12.5 6",
  close: "M4 4l8 8M12 4l-8 8",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  table: "M2.5 3h11v10h-11zM2.5 6.3h11M2.5 9.7h11M6.5 3v10",
  map: "M2.5 3h4v3.5h-4zM9.5 9.5h4V13h-4zM4.5 6.5v5h5M6.5 4.7h5v4.8",
  stack: "M8 2l6 2.8-6 2.8-6-2.8zM2 8l6 2.8L14 8M2 11.2 8 14l6-2.8",
  link: "M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.4 4.4L11.5 9M9 11.5 7.5 13a3 3 0 0 1-4.4-4.4L4.5 7",
  download: "M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11",
  focus: "M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM8 1.5v2M8 12.5v2M1.5 8h2M12.5 8h2",
  check: "M3 8.5 6.5 12 13 4.5",
  help: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM6.2 6.3a1.8 1.8 0 1 1 2.6 1.7c-.6.3-.8.7-.8 1.3M8 11.2v.4",
  compare: "M5 2.5v11M11 2.5v11M2.5 5.5h2.5M11 5.5h2.5M2.5 10.5H5M11 10.5h2.5",
  shield: "M8 1.8 13 3.5v4.2c0 3.3-2.2 5.4-5 6.5-2.8-1.1-5-3.2-5-6.5V3.5zM5.7 8 7.4 9.7 10.5 6.5",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  external: "M6 3H3v10h10v-3M9 2.5h4.5V7M13.5 2.5 7.5 8.5",
  path: "M3 12a1.5 1.5 0 1 0 .01 0M13 4a1.5 1.5 0 1 0 .01 0M4.5 12H9c3 0 3-3.5 0-3.5H7C4 8.5 4 5 7 5h4.5",
} as const;

export type IconName = keyof typeof LINES;

/** The lines of an icon, to be put into an SVG of one's own. */
export const lines = (name: IconName): string => LINES[name];

/** An icon of 16 px in the colour of the text around. Words beside it, or an aria-label around it, say what it means. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={LINES[name]} />
    </svg>
  );
}

const GLYPHS: Record<string, IconName> = {
  Service: "service",
  Deployment: "deployment",
  StatefulSet: "statefulset",
  DaemonSet: "daemonset",
  Job: "job",
  CronJob: "job",
  Pod: "pod",
  Host: "host",
  Namespace: "namespace",
  MySQL: "database",
  PostgreSQL: "database",
  MongoDB: "database",
  Elasticsearch: "database",
  Cassandra: "database",
  Database: "database",
  Redis: "cache",
  Memcached: "cache",
  Cache: "cache",
  Kafka: "queue",
  RabbitMQ: "queue",
  Queue: "queue",
  S3: "storage",
  DNS: "dns",
  "HTTP-API": "http",
  IP: "ip",
  User: "user",
};

/** The glyph that stands in front of a name. */
export const glyph = (kind: string): IconName => GLYPHS[kind] ?? "unknown";

/** Yellow a triangle, red an octagon, unknown a hollow ring, healthy nothing: on a 12 px grid. */
export const SHAPES: Record<Level, string> = {
  yellow: "M6 1 11.5 11H.5z",
  red: "M3.7.5h4.6L11.5 3.7v4.6L8.3 11.5H3.7L.5 8.3V3.7z",
  unknown: "M6 2.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z",
  ok: "",
};

/** The shape of a level, for lists and panels. */
export function Shape({ level }: { level: Level }) {
  return (
    <svg class={`shape ${level}`} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {SHAPES[level] && <path d={SHAPES[level]} />}
    </svg>
  );
}

/** The mark of an expectation, on a 12 px grid; none for what is expected. */
export const MARKS: Record<Expectation, string> = {
  expected: "",
  pending: "",
  missing: "M6 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z",
  unexpected: "M6 .5 11.5 6 6 11.5.5 6zM6 3.3v3M6 8v.8",
  forbidden: "M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1zM3 6h6",
  excepted: "M2.5 5.5h7v5h-7zM4 5.5V4a2 2 0 0 1 4 0v1.5",
};
