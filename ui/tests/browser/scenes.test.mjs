// The page before the real server: spans go in over OTLP, and what they mean is seen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

import { ask, call, tidewatch, until } from "../real/tidewatch.mjs";
import { eventually } from "./support.mjs";

let server;
let browser;

/** What happens in the shop within a second or so. */
function moment() {
  const many = (n, make) => Array.from({ length: n }, (_, at) => make(at)).flat();
  return [
    ...many(20, (at) => call("shop/frontend", "pay/payment", { ms: 40, failed: at % 10 < 3 })),
    ...many(20, () => call("shop/frontend", "shop/cart", { ms: 12 })),
    ...many(20, () => call("shop/cart", "shop/stock", { ms: 310, server_ms: 6 })),
    ...["ledger", "fraud", "audit", "refund", "invoice", "mail"].flatMap((name) => many(15, () => call("pay/payment", `pay/${name}`, { ms: 8 }))),
    ...many(15, () => ask("shop/cart", "dns", "kube-dns.example", 53, { ms: 2 })),
    ...many(15, () => ask("shop/reports", "dns", "kube-dns.example", 53, { ms: 400 })),
    ...many(15, () => ask("shop/cart", "redis", "cache-of-nobody.example", 6379, { ms: 1 })),
  ];
}

before(async () => {
  server = await tidewatch();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  let red = false;
  await until(
    async () => {
      await server.send(moment());
      const graph = await server.get("api/v1/graph?collapse=none");
      red = graph.edges.some(({ health }) => health.level === "red");
      return red;
    },
    () => "no edge turned red",
    120_000,
  );
});

after(async () => {
  await browser?.close();
  await server?.close();
});

async function look(query = "") {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, locale: "en-US" });
  page.setDefaultTimeout(20_000);
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error.stack)));
  await page.goto(server.url + query);
  const thing = (start) => page.locator(`#map [role=img][aria-label^="${start}"]`);
  return { page, thing, complaints, panel: page.getByRole("complementary", { name: "Details" }) };
}

test("the first look holds groups only: namespaces, and outside by type", async () => {
  const { page, thing, complaints } = await look();

  await thing("shop, ").waitFor();
  await thing("pay, ").waitFor();
  await thing("DNS, ").waitFor();
  await thing("Redis, ").waitFor();
  assert.equal(await page.locator("#map .node").count(), 0);
  assert.deepEqual(complaints, []);
});

test("a payment path of which 30 % fails is a red edge, and its group says one of seven", async () => {
  const { thing, panel } = await look();
  await thing("pay, 7 nodes · 1 red").waitFor();

  const open = await look("?open=*");
  await open.thing("frontend calls payment, red").waitFor({ state: "attached" });
  await open.page.goto(`${server.url}?open=*&pick=${encodeURIComponent("e:prod-1/shop/Deployment/frontend>prod-1/pay/Deployment/payment")}`);
  await open.panel.getByText(/Error rate 30(\.\d+)? %/).first().waitFor();
  await open.panel.locator(".u-over").first().waitFor();
  void panel;
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

test("every route that the page uses is understood: views, focus, stack, table, search, path, comparison, exports", async () => {
  const focus = "prod-1/shop/Deployment/cart";
  for (const query of ["?view=service&open=*", "?view=namespace", "?view=host", `?focus=${focus}&depth=2`, `?show=stack&focus=${focus}`, "?show=table&open=*", "?compare=previous", "?path=cart>stock", `?pick=n:${focus}&tab=state`, "?filter=not+proto:dns&open=*", "?mode=baseline"]) {
    const { page, complaints } = await look(query);
    await page.locator("#map .group, [role=treegrid], .stack").first().waitFor();
    await page.waitForLoadState("load");
    await page.waitForTimeout(400);
    assert.deepEqual([query, complaints], [query, []]);
    assert.equal(await page.locator(".wrong").count(), 0, query);
    await page.close();
  }
  const { page } = await look();
  await page.getByRole("combobox", { name: "Search for a node" }).fill("stoc");
  await page.getByRole("option", { name: /stock/ }).click();
  await page.locator("#map .node.picked").waitFor();
  for (const format of ["json", "yaml", "svg", "dot", "mermaid", "csv"]) assert.equal((await fetch(`${server.url}api/v1/graph?format=${format}`)).status, 200, format);
});

test("what arrives is seen five seconds later at most, without a reload", async () => {
  const { page, thing } = await look("?open=*");
  await thing("Deployment cart").waitFor();

  await server.send(call("shop/newcomer", "shop/cart"));

  await thing("Deployment newcomer").waitFor();
  await page.close();
});
