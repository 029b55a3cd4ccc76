import assert from "node:assert/strict";
import test from "node:test";

import { eventually, visit } from "./support.mjs";

const asked = (stand, part) => stand.asked.filter((url) => url.startsWith("/api/v1/graph?") && decodeURIComponent(url).replaceAll("+", " ").includes(part));

test("search finds a node by part of its name, opens its group and selects it", async () => {
  const { page, thing, map, address } = await visit();
  await thing("shop, ").waitFor();

  await page.keyboard.press("/");
  await page.keyboard.type("ledg");
  await page.getByRole("option", { name: /ledger/ }).waitFor();
  await page.keyboard.press("Enter");

  await eventually(() => map.locator(".node.picked").count(), 1);
  assert.equal(address().get("pick"), "n:prod-1/pay/StatefulSet/ledger");
  assert.equal(address().get("open"), "ns:prod-1/pay");
  await page.getByRole("combobox", { name: "Search for a node" }).fill("zzz");
  await page.getByText("Nothing is called so").waitFor();
});

test("the filter completes words and values, and narrows everything", async () => {
  const { page, thing, stand, address } = await visit();
  await thing("shop, ").waitFor();
  const box = page.getByRole("combobox", { name: "Filter" });

  await page.keyboard.press("\\");
  await page.keyboard.type("n");
  await page.getByRole("option", { name: "ns", exact: false }).first().waitFor();
  await box.fill("ns in (p");
  await page.getByRole("option", { name: "pay" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  assert.equal((await box.inputValue()).trim(), "ns in (pay");
  await page.keyboard.type(")");
  await page.keyboard.press("Enter");

  await thing("shop, ").waitFor({ state: "detached" });
  assert.match(address().get("filter"), /ns in \(pay ?\)/);
  assert.ok(asked(stand, "filter=ns in (pay").length > 0);
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await thing("shop, ").waitFor();
});

test("ready-made filters hide DNS, probes and scrapers, and leave two namespaces", async () => {
  const { page, thing, address } = await visit();
  await thing("DNS, ").waitFor();
  await page.getByRole("button", { name: "Ready-made filters" }).click();
  const box = page.getByRole("dialog", { name: "Ready-made filters" });

  await box.getByLabel("Hide DNS").check();
  await thing("DNS, ").waitFor({ state: "detached" });
  await box.getByLabel("Hide probes").check();
  await box.getByLabel("Hide scrapers").check();
  assert.equal(address().get("filter"), 'not proto:dns and not name ~ "kubelet|probe" and not name ~ "prometheus|vmagent|scrape"');
  await box.getByLabel("Hide probes").uncheck();
  await box.getByLabel("First namespace").selectOption("shop");
  await box.getByLabel("Second namespace").selectOption("pay");
  await box.getByRole("button", { name: "Show" }).click();
  await eventually(() => address().get("filter"), "ns in (shop, pay)");
  await eventually(async () => (await page.locator("#map .group").count()), 2);
});

test("one of several clusters is chosen, whatever its name and whatever was asked before", async () => {
  const { page, map, address } = await visit("?filter=ns+in+(shop,back-office)&at=9000,9000,1", { world: "two_clusters" });
  await page.getByLabel("Cluster").selectOption("prod 2");

  await eventually(() => [address().get("filter"), address().get("at")], ['ns in (shop,back-office) and cluster = "prod 2"', null]);
  await eventually(() => map.locator(".group").count(), 1);
  assert.equal(await page.locator(".cluster").innerText(), "prod 2");
});

test("a filter that means nothing is answered with the place and a suggestion", async () => {
  const { page } = await visit("?filter=nms+%3D+shop", { allow: ["400"] });

  await page.getByText("The server does not understand the question.").waitFor();
  await page.getByText("did you mean `ns`?").waitFor();
});

test("the time range governs every question; pause and steps move it", async () => {
  const { page, thing, stand, address, button } = await visit("?pick=n:prod-1/shop/Deployment/cart");
  await thing("shop, ").waitFor();

  await button("Time range").click();
  await page.getByRole("button", { name: "last 60 min" }).click();
  await eventually(() => address().get("from"), "-1h");
  await eventually(() => stand.asked.filter((url) => url.startsWith("/api/v1/series") && url.includes("from=-1h")).length, (n) => n > 0);

  await page.keyboard.press("p");
  await eventually(() => address().get("paused"), "1");
  const before = Number(address().get("to"));
  await page.keyboard.press("[");
  await eventually(() => Number(address().get("to")), (to) => Math.abs(before - to - 3600) <= 1);
  // The present has moved on meanwhile: as many steps as it takes to reach it.
  const forward = async () => {
    await page.keyboard.press("]");
    return [address().get("to"), address().get("paused")];
  };
  await eventually(forward, [null, null]);
  await button("live").click();
  await eventually(() => address().get("paused"), "1");
  await button("paused").click();
  await eventually(() => [address().get("to"), address().get("paused")], [null, null]);
});

test("play begins at the start of the window, steps through it, and stops when it is told to", async () => {
  const { thing, address, button } = await visit("?from=-7d");
  await thing("shop, ").waitFor();
  const end = () => Number(address().get("to"));

  await button("Play").click();
  await eventually(end, (to) => to > 0 && to < Date.now() / 1000 - 5 * 86_400);
  const first = end();
  await eventually(end, (to) => to > first);
  await button("Stop playing").click();
  await button("Play").waitFor();
});

test("a stretch dragged on the time strip becomes the window", async () => {
  const { page, thing, address } = await visit();
  await thing("shop, ").waitFor();
  const box = await page.locator(".track").boundingBox();

  await page.mouse.move(box.x + box.width * 0.25, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 10, { steps: 3 });
  await page.mouse.up();

  await eventually(() => Number(address().get("to")) - Number(address().get("from")), (length) => Math.abs(length - 225) < 10);
});

test("a window between two moments is typed, and a wrong one is refused", async () => {
  const { page, button, address } = await visit();
  await button("Time range").click();
  const box = page.getByRole("dialog", { name: "Time range" });

  await box.getByLabel("From").fill("2026-11-01T10:00:00");
  await box.getByLabel("To").fill("2026-11-01T09:00:00");
  await box.getByText("The end must be later than the start.").waitFor();
  await box.getByLabel("To").fill("2026-11-01T11:30:00");
  await box.getByRole("button", { name: "Show this range" }).click();

  await eventually(() => [address().get("from"), address().get("to")], ["1793527200", "1793532600"]);
});

test("focus narrows step by step, looks farther and one way only, and goes back", async () => {
  const { page, thing, panel, address, button, map } = await visit("?open=*");
  await thing("Deployment cart").click();
  await panel.getByRole("button", { name: "Narrow to this" }).click();
  const bar = page.getByRole("navigation", { name: "Focus" });
  await bar.waitFor();
  await thing("Deployment payment").waitFor({ state: "detached" });

  await bar.getByRole("button", { name: "Look farther" }).click();
  await eventually(() => address().get("depth"), "2");
  await thing("Deployment payment").waitFor();
  await bar.getByRole("button", { name: "called", exact: true }).click();
  await thing("Deployment frontend").waitFor({ state: "detached" });
  await bar.getByRole("button", { name: "callers", exact: true }).click();
  await bar.getByRole("button", { name: "both", exact: true }).click();
  await bar.getByRole("button", { name: "Look less far" }).click();

  await map.locator('[data-pick="e:prod-1/shop/Deployment/cart>prod-1/shop/Deployment/price"] .hit').dispatchEvent("click");
  await panel.getByRole("table", { name: "Both sides" }).waitFor();
  await panel.getByRole("button", { name: "Narrow to this" }).click();
  await bar.getByRole("button", { name: "cart → price" }).waitFor();
  await button("One step back").click();
  await eventually(() => address().get("focus"), "prod-1/shop/Deployment/cart");
  await page.goBack();
  await bar.getByRole("button", { name: "cart → price" }).waitFor();
  await bar.getByRole("button", { name: "Everything" }).click();
  await bar.waitFor({ state: "detached" });
});

test("the same link shows the same", async () => {
  const { page, address, panel } = await visit("?view=service&open=ns:prod-1/shop&filter=not+proto:dns&pick=n:prod-1/shop/Deployment/cart&tab=network&from=-1h&theme=dark");

  await panel.getByRole("tab", { name: "Network", selected: true }).waitFor();
  await page.getByRole("radio", { name: "Service", checked: true }).waitFor();
  await page.reload();
  await panel.getByRole("tab", { name: "Network", selected: true }).waitFor();
  assert.equal(address().get("tab"), "network");
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(17, 20, 24)");
});

test("two windows are compared: new, gone, different, in a list and on the map", async () => {
  const { page, menu, map, address, download } = await visit("?open=*");
  await map.locator(".node").first().waitFor();

  await menu("Compare two windows");
  const box = page.getByRole("region", { name: "Compare two windows" });
  await box.getByText("rate 72/s → 36/s").waitFor();
  await eventually(() => map.locator(".edge .change").count(), 2);
  await box.getByRole("button", { name: "cart → price" }).click();
  await eventually(() => address().get("pick"), "e:prod-1/shop/Deployment/cart>prod-1/shop/Deployment/price");
  assert.match(await download(() => box.getByRole("button", { name: "Export as CSV" }).click()), /^what,subject,how\r\nadded,/);
  await box.getByLabel("Against").selectOption("previous");
  await box.getByText("Nothing is new, gone or different.").waitFor();
  await box.getByRole("button", { name: "End the comparison" }).click();
  await box.waitFor({ state: "detached" });
});

test("a path is checked from A to B, and a name that nobody has is refused", async () => {
  const { page, menu, map } = await visit("", { allow: ["400"] });
  await map.locator(".group").first().waitFor();

  await menu("Check a path");
  const box = page.getByRole("region", { name: "Check a path" });
  await box.getByLabel("From").fill("cart");
  await box.getByLabel("To").fill("price");
  await box.getByRole("button", { name: "Check", exact: true }).click();
  await box.getByText("It works.").waitFor();
  await box.getByRole("button", { name: "cart → price" }).click();
  await box.getByLabel("To").fill("ledger");
  await box.getByRole("button", { name: "Check", exact: true }).click();
  await box.getByText("Nobody tried.").waitFor();
  await box.getByLabel("To").fill("ledgre");
  await box.getByRole("button", { name: "Check", exact: true }).click();
  await eventually(() => box.innerText(), (text) => text.includes("ledgre") || text.includes("no node"));
  await box.getByRole("button", { name: "Close the path check" }).click();
});

test("the stacked view shows services, workloads, pods and hosts, at most two hundred, and the same as a list", async () => {
  const { page, address, menu } = await visit("?pick=n:prod-1/shop/Deployment/cart");
  await page.locator("#map .group").first().waitFor();

  await menu("Stacked");
  const picture = page.getByRole("group", { name: "Stacked" });
  await picture.getByText("Host", { exact: true }).waitFor();
  await picture.getByRole("img", { name: /^Pod price-.*red/ }).first().waitFor();
  const drawn = await picture.locator(".node").count();
  assert.ok(drawn <= 200);
  const list = page.getByRole("table", { name: "The same as a list" });
  assert.equal(await list.locator("tbody tr").count(), drawn);
  await picture.getByRole("button", { name: /^Workload price/ }).click();
  await eventually(() => address().get("pick"), "n:prod-1/shop/Deployment/price");
});
