import assert from "node:assert/strict";
import test from "node:test";

import { eventually, visit } from "./support.mjs";

test("the first look shows groups only, with their share of abnormal nodes, and asks one question for them", async () => {
  const { thing, map, stand, quiet } = await visit();

  await thing("shop, 5 nodes · 1 red").waitFor();
  await thing("pay, 4 nodes · 1 red · 1 yellow").waitFor();
  assert.equal(await map.locator(".node").count(), 0);
  assert.equal(stand.asked.filter((url) => url.startsWith("/api/v1/graph?") && url.includes("layout=")).length, 1);
  quiet();
});

test("opening one group shows its nodes, and the others keep their order", async () => {
  const { thing, map, page, address } = await visit();
  await thing("shop, ").waitFor();
  const order = async () => {
    const all = await map.locator(".group").evaluateAll((groups) => groups.map((group) => ({ name: group.dataset.pick, x: group.getBoundingClientRect().x, y: group.getBoundingClientRect().y })));
    return all.sort((a, b) => a.x - b.x || a.y - b.y).map(({ name }) => name);
  };
  const before = await order();

  await map.locator('[data-fold="ns:prod-1/shop"]').click();

  await thing("Deployment cart").waitFor();
  assert.deepEqual(await order(), before);
  assert.equal(address().get("open"), "ns:prod-1/shop");
  await page.goBack();
  await page.goForward();
  await map.locator('[data-fold="ns:prod-1/shop"]').click();
  await eventually(() => map.locator(".node").count(), 0);
});

test("where everything is open a single group can be shut, and near a focus too", async () => {
  const { page, thing, map, address, button } = await visit("?open=*");
  await thing("Deployment payment").waitFor();

  await map.locator('[data-fold="ns:prod-1/pay"]').click();
  await thing("pay, 4 nodes").and(map.locator(".collapsed")).waitFor();
  assert.deepEqual([address().get("open"), address().get("shut")], ["*", "ns:prod-1/pay"]);
  await button("Open all").click();
  await thing("Deployment payment").waitFor();

  await thing("Deployment cart").click();
  await button("Narrow to this").click();
  await thing("Deployment newsletter").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await page.keyboard.press("0");
  await map.locator('[data-fold="ns:prod-1/shop"]').click();
  await eventually(() => address().get("shut"), "ns:prod-1/shop");
  await thing("Deployment cart").waitFor({ state: "detached" });
});

test("health has a colour and a shape; expectation has a line style and a badge, in every mode", async () => {
  const { thing, map } = await visit("?open=*");

  await thing("Deployment price").and(map.locator(".red")).locator(".shape").waitFor({ state: "attached" });
  await thing("StatefulSet ledger").and(map.locator(".yellow")).locator(".shape").waitFor({ state: "attached" });
  const unexpected = map.locator(".edge.is-unexpected");
  assert.equal(await unexpected.count(), 1);
  assert.notEqual(await unexpected.locator(".line").evaluate((line) => getComputedStyle(line).strokeDasharray), "none");
  assert.equal(await unexpected.locator(".badge").count(), 1);
  assert.equal(await map.locator(".edge.is-forbidden .core").count(), 1);
  assert.equal(await map.locator(".edge.is-missing").count(), 1);
  assert.equal(await map.locator(".node.is-missing").count(), 1);
});

test("the map does not jump when a panel opens or the list closes", async () => {
  const { page, thing, panel } = await visit("?rail=1");
  const left = async () => (await thing("shop, ").boundingBox()).x;
  await thing("shop, ").waitFor();
  const before = await left();

  await thing("shop, ").click();
  await panel.waitFor();
  await eventually(left, (now) => Math.abs(now - before) < 1.5, "its place");
  await page.keyboard.press("l");
  await eventually(left, (now) => Math.abs(now - before) < 1.5, "its place");
});

test("hover raises an edge and its ends, and says how many calls it stands for", async () => {
  const { thing, map, page } = await visit();
  await thing("User calls shop").waitFor({ state: "attached" });

  await thing("User calls shop").locator(".hit").hover({ force: true });

  await page.locator(".tip.shown").waitFor();
  assert.match(await page.locator(".tip").innerText(), /User → shop\s+40\/s · 0 % · /);
  await eventually(() => map.locator(".group.near").count(), 2);
});

test("new data moves nothing that was there", async () => {
  const { thing, map, stand } = await visit("?open=*");
  await thing("Deployment cart, in shop, healthy, 38.4/s").waitFor();
  const places = () => map.locator(".node").evaluateAll((nodes) => nodes.map((node) => [node.dataset.pick, node.style.transform]));
  const before = await places();

  stand.world.edges.find(({ target }) => target.endsWith("/cart")).rate = 76;
  stand.tick();

  await thing("Deployment cart, in shop, healthy, 76.4/s").waitFor();
  assert.deepEqual(await places(), before);
});

test("two hundred nodes are drawn, every edge is on the map, and zooming out leaves out names", async () => {
  const { map, page } = await visit("?open=*&rail=0", { world: "two_hundred" });

  await eventually(() => map.locator(".node").count(), 200);
  assert.equal(await map.locator(".edge").count(), 600);
  await page.keyboard.press("0");
  for (let times = 0; times < 12; times += 1) await page.keyboard.press("-");
  await eventually(() => map.getAttribute("class"), (name) => /detail-(far|groups)/.test(name));
  assert.equal(await map.locator(".node .name").first().isVisible(), false);
});

test("beyond what a picture can hold the page folds and says so", async () => {
  const { page, map, address } = await visit("?open=*&rail=0", { world: "cluster" });

  await page.getByText("too many for one picture").waitFor();
  await eventually(() => map.locator(".group.collapsed").count(), 40);
  assert.equal(address().get("open"), null);
});

test("thousands of edges go to a canvas, and can still be picked", async () => {
  const { page, map, address } = await visit("?open=*&rail=0", { world: "thousand" });
  await eventually(() => map.locator(".node").count(), 1000);
  assert.equal(await map.locator(".edge").count(), 0);

  const box = await map.boundingBox();
  for (let at = 1; at < 40 && !address().get("pick")?.startsWith("e:"); at += 1) {
    await page.mouse.click(box.x + box.width * (at / 40), box.y + box.height / 2 + (at % 5));
    await page.keyboard.press("Escape");
    await page.mouse.click(box.x + box.width * (at / 40), box.y + box.height / 2 + (at % 5));
  }
  assert.match(address().get("pick") ?? "", /^e:/);
  assert.equal(await map.locator(".edge.picked").count(), 1);
});

test("what is painted has the colours of the theme, also when the system turns dark", async () => {
  const { page, map } = await visit("?open=*&rail=0", { world: "thousand" });
  await eventually(() => map.locator(".node").count(), 1000);
  /** True if something on the canvas has this colour, as far as thin lines can. */
  const painted = (colour) =>
    page.evaluate((wanted) => {
      const canvas = document.querySelector("#map canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200 && wanted.every((part, index) => Math.abs(part - data[at + index]) < 3)) return true;
      return false;
    }, colour);

  await eventually(() => painted([0x8c, 0x95, 0xa3]), true, "a light line");
  await page.emulateMedia({ colorScheme: "dark" });
  await eventually(() => painted([0x6d, 0x77, 0x85]), true, "a dark line");
  assert.equal(await painted([0x8c, 0x95, 0xa3]), false);
});

test("an empty map says why, what would fill it, and how long that takes", async () => {
  const { page, quiet } = await visit("", { world: "empty" });

  await page.getByText("No calls in this window yet.").waitFor();
  await page.getByText("OTEL_EXPORTER_OTLP_ENDPOINT").waitFor();
  await page.getByText("within five seconds").waitFor();
  quiet();
});

test("a server that fails is named, and what was known stays with its age", async () => {
  const { page, thing, stand } = await visit("", { allow: ["500"] });
  await thing("shop, ").waitFor();

  stand.failing = 500;
  stand.tick();

  await page.getByText(/The server does not answer; this is/).waitFor();
  assert.equal(await thing("shop, 5").count(), 1);
  stand.failing = 0;
  stand.tick();
  await page.getByText(/The server does not answer/).waitFor({ state: "detached" });
});

test("an answer that lacks something says what, in words", async () => {
  const { page, thing, stand } = await visit();
  await thing("shop, ").waitFor();

  stand.world.dropped = { edges: 1, intake_full: 1200, not_kept_that_long: 1, by_a_newer_server: 3 };
  stand.tick();

  await page.getByText("Left out: 1 edge, 1,200 rows that came too fast, the part of the window of which nothing is kept, by_a_newer_server: 3.").waitFor();
});

test("hostile names are words and nothing else", async () => {
  const { page, thing, stand, settled, quiet } = await visit();
  await thing("shop, ").waitFor();
  const evil = '"><img src=x onerror="window.hurt=1"><script>window.hurt=1</script>';
  for (const node of stand.world.nodes) if (node.name === "cart") node.name = evil;

  await page.goto(`${page.url().split("?")[0]}?open=*&pick=n:prod-1/shop/Deployment/cart`);

  await page.getByRole("heading", { name: evil }).waitFor();
  await settled();
  assert.equal(await page.locator("img, script:not([src])").count(), 0);
  assert.equal(await page.evaluate(() => window.hurt), undefined);
  quiet();
});
