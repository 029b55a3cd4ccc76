// What an id tells of its node.

/** Kinds of nodes that live outside of all clusters. */
export const OUTSIDE: ReadonlySet<string> = new Set([
  "MySQL", "PostgreSQL", "Redis", "MongoDB", "Elasticsearch", "Cassandra", "Memcached", "Kafka", "RabbitMQ", "S3",
  "Database", "Cache", "Queue", "DNS", "HTTP-API", "IP", "User", "Unknown",
]);

/** The group of a node of the service and workload views, by its id. */
export function groupOf(id: string): string {
  const [cluster = "", namespace = "", kind = ""] = id.split("/");
  return OUTSIDE.has(kind) ? `ext:${kind}` : `ns:${cluster}/${namespace}`;
}
