// What the stand-in server knows: entities and calls, small (a shop) or large (generated). For tests of the page only.

const protocolOf = { MySQL: "mysql", PostgreSQL: "postgresql", Redis: "redis", Kafka: "kafka", DNS: "dns" };
export const OUTSIDE = ["MySQL", "PostgreSQL", "Redis", "Kafka", "S3", "DNS", "HTTP-API", "IP", "User", "Unknown"];

export function id({ cluster = "prod-1", ns = "", kind, name }) {
  return [cluster, ns, kind, name].map(encodeURIComponent).join("/");
}

function node(ns, kind, name, more = {}) {
  const outside = OUTSIDE.includes(kind);
  return { id: id({ cluster: more.cluster, ns: outside ? "" : ns, kind, name }), cluster: "prod-1", ns: outside ? "" : ns, kind, name, outside, pods: outside ? 0 : 2, ...more };
}

/** Rates are requests a second; times milliseconds. */
function call(source, target, rate, more = {}) {
  const protocol = more.protocol ?? protocolOf[target.kind] ?? "http";
  const avg = more.avg ?? 12;
  return { source: source.id, target: target.id, rate, failing: 0, protocol, avg, gap: 0.6, port: 8080, ...more };
}

/** The shop of the demo, with one problem of each sort. */
export function shop() {
  const user = node("", "User", "user");
  const front = node("shop", "Deployment", "frontend");
  const cart = node("shop", "Deployment", "cart");
  const price = node("shop", "Deployment", "price", { cpu: 0.94, throttled: 0.4 });
  const stock = node("shop", "StatefulSet", "stock-with-a-rather-long-name", {});
  const mail = node("shop", "CronJob", "newsletter", { idle: true });
  const payment = node("pay", "Deployment", "payment");
  const ledger = node("pay", "StatefulSet", "ledger", { unready: 1 });
  const fraud = node("pay", "DaemonSet", "fraud-check");
  const audit = node("pay", "Deployment", "audit", { missing: true });
  const mysql = node("", "MySQL", "orders-db.example:3306");
  const redis = node("", "Redis", "sessions.example:6379");
  const rogue = node("", "Redis", "cache-of-nobody.example:6379");
  const psp = node("", "HTTP-API", "api.psp.example");
  const kafka = node("", "Kafka", "orders");
  const dns = node("", "DNS", "kube-dns");
  const nodes = [user, front, cart, price, stock, mail, payment, ledger, fraud, audit, mysql, redis, rogue, psp, kafka, dns];
  const edges = [
    call(user, front, 40, { avg: 85 }),
    call(front, cart, 38, { avg: 40 }),
    call(cart, price, 36, { avg: 1240 }),
    call(cart, stock, 20, { protocol: "grpc", avg: 8, port: 9090 }),
    call(cart, redis, 80, { avg: 0.7, port: 6379 }),
    call(front, payment, 6, { failing: 0.31, avg: 210, gap: 120 }),
    call(payment, ledger, 6, { avg: 22 }),
    call(payment, fraud, 6, { protocol: "grpc", avg: 15, port: 9090 }),
    call(payment, psp, 5.8, { avg: 160, gap: 80, port: 443 }),
    call(ledger, mysql, 14, { avg: 3.1, port: 3306 }),
    call(stock, mysql, 22, { avg: 2.2, port: 3306 }),
    call(payment, kafka, 5, { avg: 4 }),
    call(price, rogue, 1.2, { avg: 0.9, port: 6379, expected: "unexpected" }),
    call(fraud, cart, 0.4, { expected: "forbidden" }),
    call(ledger, audit, 0, { expected: "missing" }),
    call(front, stock, 0.2, { expected: "excepted" }),
    call(front, dns, 3, { avg: 1.1, port: 53 }),
    call(cart, dns, 3, { avg: 1.1, port: 53 }),
    call(payment, dns, 2, { avg: 1.3, port: 53 }),
  ];
  return { nodes, edges };
}

/** The shop, and a namespace of another cluster. */
export function two_clusters() {
  const { nodes, edges } = shop();
  return { nodes: [...nodes, node("back-office", "Deployment", "reports", { cluster: "prod 2" })], edges };
}

/** Numbers that look random and are always the same. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

/** `count` workloads in `namespaces`, `calls` edges, most of them inside a namespace. */
export function large(count, calls, namespaces) {
  const random = dice(7);
  const kinds = ["Deployment", "Deployment", "StatefulSet", "DaemonSet"];
  const nodes = Array.from({ length: count }, (_, at) =>
    node(`team-${at % namespaces}`, kinds[at % kinds.length], `service-${at}`, random() < 0.02 ? { cpu: 0.95 } : random() < 0.03 ? { cpu: 0.8 } : {}),
  );
  const edges = new Map();
  const perNamespace = Math.floor(count / namespaces);
  for (let tries = 0; edges.size < calls && tries < calls * 20; tries += 1) {
    const from = Math.floor(random() * count);
    const inside = random() < 0.7;
    const to = inside ? (Math.floor(random() * perNamespace) * namespaces + (from % namespaces)) % count : Math.floor(random() * count);
    if (from === to) continue;
    const forward = random() < 0.96 ? [Math.min(from, to), Math.max(from, to)] : [Math.max(from, to), Math.min(from, to)];
    const [source, target] = forward.map((at) => nodes[at]);
    edges.set(`${source.id}>${target.id}`, call(source, target, Math.exp(random() * 6 - 2), { failing: random() < 0.01 ? 0.3 : 0 }));
  }
  return { nodes, edges: [...edges.values()] };
}
