// A stand-in for the server, for tests of the page and nothing else. `node tests/server/serve.mjs [port] [world]`.
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { columns } from "./columns.mjs";
import * as details from "./details.mjs";
import { graph } from "./graph.mjs";
import { large, shop, two_clusters } from "./world.mjs";

const dist = fileURLToPath(new URL("../../dist/", import.meta.url));
const KINDS = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

const WORLDS = {
  shop,
  two_clusters,
  empty: () => ({ nodes: [], edges: [] }),
  two_hundred: () => large(200, 600, 8),
  thousand: () => large(1000, 3000, 20),
  cluster: () => large(2000, 20_000, 40),
};

function windowOf(query, now) {
  const back = (text) => /^-(\d+)([smhd])$/.exec(text ?? "");
  const moment = (text, end) => {
    const found = back(text);
    return found ? end - Number(found[1]) * { s: 1, m: 60, h: 3600, d: 86_400 }[found[2]] * 1000 : Number(text) * 1000;
  };
  const to = query.get("to") ? moment(query.get("to"), now) : now;
  const from = query.get("from") ? moment(query.get("from"), to) : to - 300_000;
  return { from, to, covered_s: (to - from) / 1000 };
}

/** Answers one question; `undefined` if nobody knows the path. */
function answer(state, path, query) {
  const { world } = state;
  const now = state.now();
  const window = windowOf(query, now);
  if (path === "/api/v1/graph") {
    const drawn = graph(world, query, window, now);
    return query.get("format") === "columns" ? columns(drawn) : drawn;
  }
  if (path.startsWith("/api/v1/nodes/")) return details.node(world, decodeURIComponent(path.slice(14)), window);
  if (path === "/api/v1/edges") return details.edge(world, query.get("source"), query.get("target"), window);
  if (path === "/api/v1/series") return details.series(world, query, window);
  if (path === "/api/v1/search") return details.search(world, query.get("q"));
  if (path === "/api/v1/findings") return details.findings(world);
  if (path === "/api/v1/stack") return details.stack(world, query, window);
  if (path === "/api/v1/graph/diff") return details.diff(world, query);
  if (path === "/api/v1/path") return details.path(world, query, window);
  if (path === "/api/v1/history") return details.history(world, window);
  return undefined;
}

function file(path, response) {
  const name = path === "/" ? "/index.html" : normalize(path);
  const full = join(dist, name);
  if (!full.startsWith(dist) || !existsSync(full)) return false;
  response.writeHead(200, { "content-type": KINDS[extname(full)] ?? "application/octet-stream", "content-security-policy": POLICY });
  createReadStream(full).pipe(response);
  return true;
}

/** Starts it. `state.failing` makes every question fail; `state.world` may change; `state.tick()` tells the page. */
export async function serve({ port = 0, world = "shop" } = {}) {
  const streams = new Set();
  const state = { world: WORLDS[world](), asked: [], failing: 0, now: () => Date.now(), use: (name) => (state.world = WORLDS[name]()), tick: () => streams.forEach((it) => it.write("event: tick\ndata: {\"revision\":1}\n\n")) };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    if (pathname === "/api/v1/graph/stream") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(":\n\n");
      streams.add(response);
      response.on("close", () => streams.delete(response));
      return;
    }
    if (!pathname.startsWith("/api/")) {
      if (!file(pathname, response)) response.writeHead(404).end("nothing here");
      return;
    }
    state.asked.push(request.url);
    const reply = (status, body) => {
      const text = gzipSync(JSON.stringify(body), { level: 1 });
      response.writeHead(status, { "content-type": "application/json", "content-encoding": "gzip", "content-security-policy": POLICY }).end(text);
    };
    if (state.failing) return reply(state.failing, { error: "the store is being rebuilt" });
    try {
      const body = answer(state, pathname, searchParams);
      if (body === undefined || body === null) reply(404, { error: `nothing answers at ${pathname}` });
      else reply(200, body);
    } catch (error) {
      reply(400, { error: error.message });
    }
  });
  await new Promise((listening) => server.listen(port, "127.0.0.1", listening));
  return { state, url: `http://127.0.0.1:${server.address().port}/`, close: () => new Promise((closed) => (server.close(closed), server.closeAllConnections())) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve({ port: Number(process.argv[2] ?? 4681), world: process.argv[3] ?? "shop" });
  console.log(url);
}
