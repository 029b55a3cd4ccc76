// The real server: started as a user starts it, fed over OTLP as a sender feeds it.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../../target/", import.meta.url));

/** The newest binary that was built. */
function binary() {
  const built = ["debug", "release"].map((kind) => join(target, kind, "tidewatch")).filter(existsSync);
  const [newest] = built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  const found = process.env.TIDEWATCH ?? newest;
  if (!found) throw new Error("no tidewatch was built: run `make build` first");
  return found;
}

/** Runs a command of it, and returns what that printed. */
export function run(...words) {
  const { status, stdout, stderr } = spawnSync(binary(), words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`tidewatch ${words.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

async function freePort() {
  const probe = createServer();
  await new Promise((listening) => probe.listen(0, "127.0.0.1", listening));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}

/** Starts it with windows of rules short enough for a test. */
export async function tidewatch({ baseline } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tidewatch-page-"));
  const [page, otlp] = [await freePort(), await freePort()];
  writeFileSync(join(folder, "rules.yaml"), "window: 1m\nfor: 0s\n");
  if (baseline) writeFileSync(join(folder, "baseline.yaml"), baseline);
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `localhost:${otlp}` } } } },
    exporters: { topology: null },
    extensions: { topology: { endpoint: `localhost:${page}`, cluster: "prod-1", rules: [join(folder, "rules.yaml")], ...(baseline ? { baselines: [join(folder, "baseline.yaml")] } : {}) } },
    service: { extensions: ["topology"], telemetry: { metrics: { level: "none" } }, pipelines: Object.fromEntries(["traces", "metrics"].map((signal) => [signal, { receivers: ["otlp"], exporters: ["topology"] }])) },
  };
  writeFileSync(join(folder, "tidewatch.yaml"), JSON.stringify(config));
  const child = spawn(binary(), ["--config", join(folder, "tidewatch.yaml")], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const url = `http://localhost:${page}/`;
  await until(async () => child.exitCode !== null || (await fetch(`${url}api/v1/graph`)).ok, () => `tidewatch does not answer:\n${said}`);
  if (child.exitCode !== null) throw new Error(`tidewatch did not start:\n${said}`);
  const post = async (signal, body) => {
    const response = await fetch(`http://localhost:${otlp}/v1/${signal}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`OTLP was refused: ${response.status} ${await response.text()}`);
  };
  return {
    url,
    send: (spans) => post("traces", traces(spans)),
    sendMetrics: (metrics) => post("metrics", { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }),
    /** Writes a file beside its own, and returns where that is. */
    file: (name, content) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    get: async (path) => (await fetch(`${url}${path}`)).json(),
    close: () =>
      new Promise((closed) => {
        child.on("exit", () => {
          rmSync(folder, { recursive: true, force: true });
          closed();
        });
        child.kill("SIGTERM");
      }),
  };
}

/** Waits until `check` holds; a throw counts as not yet. */
export async function until(check, otherwise, patience = 60_000) {
  const end = Date.now() + patience;
  for (;;) {
    try {
      if (await check()) return;
    } catch {
      // Not there yet.
    }
    if (Date.now() > end) throw new Error(otherwise());
    await new Promise((next) => setTimeout(next, 250));
  }
}

let last = 1;
const hex = (digits) => (last++).toString(16).padStart(digits, "0");
const text = (key, value) => ({ key, value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value } });
const nano = (milliseconds) => `${Math.round(milliseconds * 1000)}000`;

/** A call that both ends saw: `call("shop/cart", "pay/payment", {ms, server_ms, failed, address})`. */
export function call(from, to, { ms = 10, server_ms = ms * 0.9, failed = false, address = to.split("/")[1], at = Date.now() - 1000 } = {}) {
  const trace = hex(32);
  const client = hex(16);
  const status = failed ? 500 : 200;
  const attributes = [text("http.request.method", "GET"), text("http.response.status_code", status), text("network.protocol.name", "http"), text("server.address", address), text("server.port", 8080)];
  const error = failed ? { code: 2 } : {};
  const span = (id, kind, length, more) => ({ traceId: trace, spanId: id, name: "GET /", kind, startTimeUnixNano: nano(at - length), endTimeUnixNano: nano(at), attributes, status: error, ...more });
  return [
    [from, span(client, 3, ms, {})],
    [to, span(hex(16), 2, server_ms, { parentSpanId: client })],
  ];
}

/** A call to something outside, seen by its caller only. */
export function ask(from, protocol, address, port, { ms = 2, at = Date.now() - 1000 } = {}) {
  const more = { dns: [text("dns.question.name", "cart.shop.svc.cluster.local")], http: [text("http.request.method", "GET")] }[protocol] ?? [text("db.system.name", protocol)];
  const attributes = [text("network.protocol.name", protocol), text("server.address", address), text("server.port", port), ...more];
  return [[from, { traceId: hex(32), spanId: hex(16), name: protocol, kind: 3, startTimeUnixNano: nano(at - ms), endTimeUnixNano: nano(at), attributes, status: {} }]];
}

/** Connections that `namespace/workload` at `address` opened to another address, as an observer of TCP counts them. */
export function connections(from, address, to, at = Date.now() - 1000) {
  const [namespace, name] = from.split("/");
  const attributes = Object.entries({
    "tidewatch.reporter": "source", "source.k8s.namespace.name": namespace, "source.k8s.deployment.name": name, "source.service.name": name,
    "source.address": address, "destination.address": to, "destination.port": 8080,
  });
  const point = { startTimeUnixNano: nano(at - 1000), timeUnixNano: nano(at), asInt: "3", attributes: attributes.map(([key, value]) => text(key, value)) };
  return { name: "tidewatch.tcp.connections", sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point] } };
}

/** Spans of `namespace/workload` as an OTLP request. */
function traces(spans) {
  const byOwner = new Map();
  for (const [owner, span] of spans) {
    if (!byOwner.has(owner)) byOwner.set(owner, []);
    byOwner.get(owner).push(span);
  }
  return {
    resourceSpans: [...byOwner].map(([owner, list]) => {
      const [namespace, name] = owner.split("/");
      const attributes = [text("service.name", name), text("k8s.namespace.name", namespace), text("k8s.deployment.name", name), text("k8s.pod.name", `${name}-7d9c5b8f6-x2k4q`), text("k8s.node.name", "node-1")];
      return { resource: { attributes }, scopeSpans: [{ scope: { name: "test" }, spans: list }] };
    }),
  };
}
