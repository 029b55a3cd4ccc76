import assert from "node:assert/strict";
import test from "node:test";

import { eventually, visit } from "./support.mjs";

const PRICE = "n:prod-1/shop/Deployment/price";
const EDGE = "e:prod-1/shop/Deployment/frontend>prod-1/pay/Deployment/payment";
const ROGUE = "e:prod-1/shop/Deployment/price>prod-1//Redis/cache-of-nobody.example%3A6379";

test("a node tells first what is wrong, in a sentence, then its numbers by protocol over time", async () => {
  const { thing, panel, address } = await visit("?open=*");

  await thing("Deployment price").click();

  await panel.getByText(/CPU 94 % since .* Its own CPU is the likely cause\./).waitFor();
  await panel.getByRole("heading", { name: "price" }).waitFor();
  await panel.getByRole("table", { name: "Numbers by protocol" }).getByText("http").waitFor();
  await panel.getByRole("img", { name: /p95 latency, both sides/ }).waitFor();
  assert.equal(address().get("pick"), PRICE);
});

test("instances stand worst first, with readiness, CPU and host", async () => {
  const { panel } = await visit("?pick=n:prod-1/pay/StatefulSet/ledger&tab=state");

  const rows = panel.getByRole("table", { name: "Instances, worst first" }).locator("tbody tr");
  await rows.first().getByText("not ready since").waitFor();
  await panel.getByText("1 of 2 replicas are available.").waitFor();
  await panel.getByRole("tab", { name: "Events" }).click();
  await panel.getByText("Readiness probe failed").waitFor();
});

test("callers and called are links, and sort by any column", async () => {
  const { panel, address } = await visit("?pick=n:prod-1/shop/Deployment/cart");
  const called = panel.getByRole("table", { name: "Called" });
  const names = () => called.locator("tbody tr td:first-child").allInnerTexts();
  await called.waitFor();
  assert.equal((await names())[0], "price");

  await called.getByRole("button", { name: "Name", exact: true }).click();
  const byName = await names();
  assert.deepEqual(byName, [...byName].sort((a, b) => a.localeCompare(b)));

  await called.getByRole("button", { name: "price" }).click();
  await eventually(() => address().get("pick"), PRICE);
});

test("an edge shows both sides and the gap between them", async () => {
  const { panel } = await visit(`?open=*&pick=${encodeURIComponent(EDGE)}`);

  const sides = panel.getByRole("table", { name: "Both sides" });
  await sides.getByText("210 ms").waitFor();
  await sides.getByText("90 ms").waitFor();
  await sides.getByText("120 ms").waitFor();
  await panel.getByText("so look at the network").waitFor();
  await panel.getByRole("tab", { name: "Network" }).click();
  await panel.getByText("84 ms", { exact: true }).first().waitFor();
});

test("charts share a crosshair, and a stretch dragged in one becomes the window", async () => {
  const { panel, page, address } = await visit(`?open=*&pick=${encodeURIComponent(EDGE)}`, { height: 1400 });
  const plots = panel.locator(".u-over");
  await plots.nth(1).waitFor();
  const box = await plots.first().boundingBox();

  await page.mouse.move(box.x + box.width / 2, box.y + 20);
  await eventually(() => panel.locator(".u-cursor-x").evaluateAll((lines) => new Set(lines.map((line) => line.style.transform)).size), 1);

  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + 20, { steps: 4 });
  await page.mouse.up();
  await eventually(() => address().get("to"), (to) => /^\d{10}$/.test(to ?? ""));
});

test("expected, except until and forbid each write a patch", async () => {
  const { panel, download } = await visit(`?mode=baseline&pick=${encodeURIComponent(ROGUE)}`);
  await panel.getByText("No line of the baseline allows it.").waitFor();

  const expected = await download(() => panel.getByRole("button", { name: "Expected" }).click());
  assert.match(expected, /name: price[\s\S]*type: Redis[\s\S]*port: 6379[\s\S]*state: allow/);

  const forbidden = await download(() => panel.getByRole("button", { name: "Forbid" }).click());
  assert.match(forbidden, /state: forbid/);

  await panel.getByRole("button", { name: "Except until…" }).click();
  await panel.getByLabel("Until").fill("2027-01-31");
  await panel.getByLabel("Owner").fill("team-shop");
  await panel.getByLabel("Reason").fill("moves in January");
  const excepted = await download(() => panel.getByRole("button", { name: "Write the exception" }).click());
  assert.match(excepted, /exceptions:[\s\S]*until: 2027-01-31T00:00:00Z[\s\S]*owner: team-shop[\s\S]*reason: "moves in January"/);
});

test("a group opens from its panel; an edge between groups says what it stands for", async () => {
  const { thing, panel, map } = await visit();

  await thing("shop, 5 nodes").click();
  await panel.getByRole("button", { name: "Open the group" }).click();
  await thing("Deployment cart").waitFor();
  await panel.getByRole("table", { name: "Nodes of the group" }).getByRole("button", { name: "price" }).click();
  await panel.getByRole("heading", { name: "price" }).waitFor();
  assert.equal(await map.locator(".node.picked").count(), 1);
});

test("the inspection list holds everything abnormal and unexpected, finds it on the map, and leaves as CSV", async () => {
  const { rail, map, download, address } = await visit();
  await rail.getByRole("button", { name: "4 red" }).waitFor();
  await rail.getByRole("button", { name: "3 against the baseline" }).click();
  assert.equal(await rail.locator(".items li").count(), 3);

  await rail.getByRole("button", { name: /price → cache-of-nobody/ }).click();
  await eventually(() => map.locator(".edge.picked").count(), 1);
  assert.equal(address().get("pick"), ROGUE);

  const csv = await download(() => rail.getByRole("button", { name: "Export as CSV" }).click());
  assert.match(csv, /^state,subject,rule,value,threshold\r\nred,prod-1\/shop\/Deployment\/price,cpu,94,70\r\n/);
});

test("what the server does not know is said, whatever was shown before", async () => {
  const { panel, page } = await visit(`?pick=${PRICE}`, { allow: ["404"] });
  await panel.getByRole("heading", { name: "price" }).waitFor();

  await page.evaluate(() => {
    history.pushState(null, "", "?pick=n:prod-1/shop/Deployment/nobody");
    dispatchEvent(new PopStateEvent("popstate"));
  });

  await panel.getByText("nothing answers at").waitFor();
});

test("a number is copied by pressing it", async () => {
  const { panel, page } = await visit(`?pick=${PRICE}`);

  await panel.getByRole("button", { name: /Rate/ }).first().click();

  await panel.getByText("copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "36/s");
});
