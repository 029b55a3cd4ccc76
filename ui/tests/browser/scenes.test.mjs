// The page before the real server: spans and metrics go in over OTLP, and what they mean is seen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ask, call, connections, run, tidewatch, until } from "../real/tidewatch.mjs";
import { eventually, look as lookAt } from "./support.mjs";

let server;
const running = [];

async function start(how) {
  const started = await tidewatch(how);
  running.push(started);
  return started;
}

/** What the new app is meant to do. */
const BASELINE = `
apiVersion: topology/v1alpha1
kind: TopologyBaseline
metadata: { name: tickets, cluster: prod-1 }
spec:
  scope: { namespaces: [tickets] }
  mode: observe
  defaults: { unexpectedEdge: red, grace: 0s }
  edges:
    - from: { ns: tickets, kind: Deployment, name: web }
      to: { ns: tickets, kind: Deployment, name: booking }
      state: allow
    - from: { ns: tickets, kind: Deployment, name: booking }
      to: { external: { type: MySQL, name: "bookings.example" } }
      state: allow
`;

const many = (n, make) => Array.from({ length: n }, (_, at) => make(at)).flat();

/** What happens in the shop within a second or so. */
function moment() {
  return [
    ...many(20, (at) => call("shop/frontend", "pay/payment", { ms: 40, failed: at % 10 < 3 })),
    ...many(20, () => call("shop/frontend", "shop/cart", { ms: 12 })),
    ...many(20, () => call("shop/cart", "shop/stock", { ms: 310, server_ms: 6 })),
    ...["ledger", "fraud", "audit", "refund", "invoice", "mail"].flatMap((name) => many(15, () => call("pay/payment", `pay/${name}`, { ms: 8 }))),
    ...many(15, () => ask("shop/cart", "dns", "kube-dns.example", 53, { ms: 2 })),
    ...many(15, () => ask("shop/reports", "dns", "kube-dns.example", 53, { ms: 400 })),
    ...many(15, () => ask("shop/cart", "redis", "cache-of-nobody.example", 6379, { ms: 1 })),
    ...many(5, () => call("tickets/web", "tickets/booking", { ms: 20 })),
    ...many(5, () => ask("tickets/booking", "mysql", "bookings.example", 3306)),
    ...many(5, () => ask("tickets/booking", "redis", "nobody-told.example", 6379)),
  ];
}

before(async () => {
  server = await start({ baseline: BASELINE });
  await until(
    async () => {
      await server.send(moment());
      const [{ edges }, { findings }] = [await server.get("api/v1/graph?collapse=none"), await server.get("api/v1/findings")];
      return edges.some(({ health }) => health.level === "red") && findings.length > 0;
    },
    () => "no edge turned red, or nothing was found that nobody expected",
    120_000,
  );
});

after(() => Promise.all(running.map((it) => it.close())));

const look = (query = "") => lookAt(server.url + query, { width: 1400, height: 900 });

test("the first look holds groups only: namespaces, and outside by type", async () => {
  const { map, thing, quiet } = await look();

  await thing("shop, ").waitFor();
  await thing("pay, ").waitFor();
  await thing("DNS, ").waitFor();
  await thing("Redis, ").waitFor();
  assert.equal(await map.locator(".node").count(), 0);
  quiet();
});

test("a payment path of which 30 % fails is a red edge, and its group says one of seven", async () => {
  const { thing } = await look();
  await thing("pay, 7 nodes · 1 red").waitFor();

  const open = await look(`?open=*&pick=${encodeURIComponent("e:prod-1/shop/Deployment/frontend>prod-1/pay/Deployment/payment")}`);
  await open.thing("frontend calls payment, red").waitFor({ state: "attached" });
  await open.panel.getByText(/Error rate 30(\.\d+)? %/).first().waitFor();
  await open.panel.locator(".u-over").first().waitFor();
});

test("a new app is held against what is expected of it: the Redis nobody told of is dashed, listed and counted", async () => {
  const { thing, map, rail, address } = await look("?open=ns:prod-1/tickets|ext:Redis|ext:MySQL");

  await thing("tickets, 2 nodes · 1 unexpected").waitFor();
  const unexpected = map.locator(".edge.is-unexpected");
  await thing("booking calls nobody-told.example").and(unexpected).waitFor({ state: "attached" });
  assert.equal(await unexpected.count(), 1);
  assert.match(await unexpected.locator(".line").evaluate((line) => getComputedStyle(line).strokeDasharray), /\d/);
  await thing("web calls booking").and(map.locator(".edge.is-expected")).waitFor({ state: "attached" });
  await thing("booking calls bookings.example").and(map.locator(".edge.is-expected")).waitFor({ state: "attached" });

  await rail.getByRole("button", { name: "1 against the baseline" }).click();
  await rail.getByRole("button", { name: "booking → nobody-told.example nobody expected this edge" }).click();
  await eventually(() => address().get("pick"), "e:prod-1/tickets/Deployment/booking>prod-1//Redis/nobody-told.example");
});

test("what the page writes becomes a line, policies are made of the lines, and read back they expect the same", async () => {
  const edge = encodeURIComponent("e:prod-1/tickets/Deployment/booking>prod-1//Redis/nobody-told.example");
  const { panel, download } = await look(`?pick=${edge}`);
  const patch = server.file("expected.yaml", await download(() => panel.getByRole("button", { name: "Expected" }).click()));

  const whole = server.file("whole.yaml", run("baseline", "merge", server.file("kept.yaml", BASELINE), patch));
  const policies = server.file("policies.yaml", run("baseline", "policy", whole));
  const imported = run("baseline", "import", "--netpol", policies);

  assert.equal(run("graph", "diff", whole, server.file("imported.yaml", imported), "--ignore", "cluster"), "");
  const { url, send } = await start({ baseline: imported });
  await send(moment());
  const { thing, map } = await lookAt(`${url}?open=*&filter=from.ns+%3D+tickets`);
  for (const sentence of ["web calls booking", "booking calls bookings.example", "booking calls nobody-told.example"]) {
    await thing(sentence).and(map.locator(".edge.is-expected")).waitFor({ state: "attached" });
  }
  assert.equal(await map.locator(".edge.is-unexpected").count(), 0);
});

test("DNS is slow for one client only: that edge is marked, the other is not", async () => {
  const { thing } = await look("?open=*");

  await thing("reports calls kube-dns.example, yellow").waitFor({ state: "attached" });
  await thing("cart calls kube-dns.example, healthy").waitFor({ state: "attached" });
});

test("a server that is quick and a client that waits: the gap is named, and the network", async () => {
  const { panel } = await look(`?open=*&pick=${encodeURIComponent("e:prod-1/shop/Deployment/cart>prod-1/shop/Deployment/stock")}`);

  await panel.getByText("Gap between client and server").first().waitFor();
  const sides = panel.getByRole("table", { name: "Both sides" });
  await eventually(() => sides.innerText(), (text) => /310 ms/.test(text) && /6 ms/.test(text), "both sides");
});

test("an address that changes hands with a deployment makes no edge that never was", async () => {
  const [address, elsewhere] = ["10.42.0.17", "203.0.113.9"];
  const { thing, map } = await look(`?open=*&filter=${encodeURIComponent("from.ns = moves")}`);
  const drawn = async (sentence) => thing(sentence).waitFor({ state: "attached" });

  await server.sendMetrics([connections("moves/old", address, elsewhere)]);
  await drawn("old calls 203.0.113.9");
  await server.sendMetrics([connections("moves/before", "10.42.0.2", address)]);
  await drawn("before calls old");
  await server.sendMetrics([connections("moves/new", address, elsewhere)]);
  await drawn("new calls 203.0.113.9");
  await server.sendMetrics([connections("moves/after", "10.42.0.3", address)]);
  await server.send(call("moves/told", "moves/new", { address }));
  await drawn("told calls new");

  await drawn("after calls unknown");
  assert.equal(await map.locator(".edge").count(), 5);
});

test("every route that the page uses is understood: views, focus, stack, table, search, path, comparison, exports", async () => {
  const focus = "prod-1/shop/Deployment/cart";
  for (const query of ["?view=service&open=*", "?view=namespace", "?view=host", `?focus=${focus}&depth=2`, `?show=stack&focus=${focus}`, "?show=table&open=*", "?compare=previous", "?path=cart>stock", `?pick=n:${focus}&tab=state`, "?filter=not+proto:dns&open=*", "?mode=baseline"]) {
    const { page, settled, quiet, close } = await look(query);
    await page.locator("#map .group, [role=treegrid], .stack").first().waitFor();
    await settled();
    quiet();
    assert.equal(await page.locator(".wrong").count(), 0, query);
    await close();
  }
  const { page } = await look();
  await page.getByRole("combobox", { name: "Search for a node" }).fill("stoc");
  await page.getByRole("option", { name: /stock/ }).click();
  await page.locator("#map .node.picked").waitFor();
  for (const format of ["json", "yaml", "svg", "dot", "mermaid", "csv"]) assert.equal((await fetch(`${server.url}api/v1/graph?format=${format}`)).status, 200, format);
});

test("what arrives is seen without a reload", async () => {
  const { thing } = await look("?open=*");
  await thing("Deployment cart").waitFor();

  await server.send(call("shop/newcomer", "shop/cart"));

  await thing("Deployment newcomer").waitFor();
});

test("two thousand workloads and twenty thousand edges begin as groups, and nothing of them is lost", async () => {
  const large = await start();
  const name = (at) => `team-${at % 40}/service-${at}`;
  for (const step of [1, 2, 3, 5, 8, 13, 211, 523, 937, 1153]) await large.send(many(2000, (at) => call(name(at), name((at + step) % 2000))));
  const count = async () => {
    const { complete, nodes, edges } = await large.get("api/v1/graph?collapse=none&format=columns");
    return [complete, nodes.id.length, edges.source.length];
  };
  await eventually(count, [true, 2000, 20_000]);

  const { page, map, thing, address, quiet } = await lookAt(large.url, { width: 1400, height: 900 });
  await thing("team-0, 50 nodes").waitFor();
  assert.deepEqual([await map.locator(".group.collapsed").count(), await map.locator(".node").count()], [40, 0]);
  await map.locator('[data-fold="ns:prod-1/team-7"]').click();
  await eventually(() => map.locator(".node").count(), 50);
  await page.goto(`${large.url}?open=*`);
  await page.getByText("too many for one picture").waitFor();
  await eventually(() => address().get("open"), null);
  quiet();
});
