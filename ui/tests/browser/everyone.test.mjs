// By keyboard alone, by screen reader, in other languages, in the dark, on small screens; and every control once.
import assert from "node:assert/strict";
import test from "node:test";
import { AxeBuilder } from "@axe-core/playwright";

import { eventually, visit } from "./support.mjs";

const ROGUE = encodeURIComponent("e:prod-1/shop/Deployment/price>prod-1//Redis/cache-of-nobody.example%3A6379");

const STATES = {
  "groups": "",
  "everything open, node panel": "?open=*&pick=n:prod-1/shop/Deployment/price",
  "resources": "?open=*&pick=n:prod-1/shop/Deployment/price&tab=resources",
  "edge panel in baseline mode": `?open=*&mode=baseline&pick=${ROGUE}`,
  "group panel": "?open=ns:prod-1/shop&pick=g:ns:prod-1/shop",
  "focus": "?focus=prod-1/shop/Deployment/cart",
  "stacked": "?show=stack&focus=prod-1/shop/Deployment/cart",
  "table": "?show=table&open=ns:prod-1/shop",
  "comparison and path": "?compare=-1d&path=cart>price",
  "Chinese": "?lang=zh&open=*",
};

for (const [state, query] of Object.entries(STATES)) {
  test(`no violation of accessibility, light and dark: ${state}`, async () => {
    const { page, settled, close } = await visit(query);
    await page.locator("#map .group, [role=treegrid], .stack").first().waitFor();
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      await settled();
      const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
      assert.deepEqual(violations.map(({ id, nodes }) => [id, scheme, nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`).slice(0, 3)]), []);
    }
    await close();
  });
}

test("menus and dialogs have no violations either", async () => {
  const { page, button } = await visit();
  await page.locator("#map .group").first().waitFor();
  for (const name of ["More", "Time range", "Ready-made filters", "Legend"]) {
    await button(name).click();
    const { violations } = await new AxeBuilder({ page }).analyze();
    assert.deepEqual(violations.map(({ id, nodes }) => [id, name, nodes.map(({ html }) => html.slice(0, 160))]), []);
    await page.keyboard.press("Escape");
  }
  await page.keyboard.press("?");
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))]), []);
});

test("the keyboard alone walks the map, opens groups, reads details, narrows, and comes back", async () => {
  const { page, map, address, panel } = await visit();
  await map.locator(".group").first().waitFor();
  const said = () => page.locator("[aria-live=polite].unseen").innerText();
  await page.keyboard.press("g");
  await eventually(() => page.evaluate(() => document.activeElement?.id), "map");

  await page.keyboard.press("ArrowRight");
  await eventually(said, (text) => text.startsWith("User"));
  await page.keyboard.press("ArrowRight");
  await eventually(said, (text) => text.startsWith("User calls shop"));
  await page.keyboard.press("ArrowRight");
  await eventually(said, (text) => text.startsWith("shop, 5 nodes"));
  await page.keyboard.press("Space");
  await map.locator(".node").first().waitFor();
  assert.equal(address().get("open"), "ns:prod-1/shop");

  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await eventually(said, (text) => text.startsWith("Deployment frontend"));
  await page.keyboard.press("ArrowDown");
  await eventually(said, (text) => !text.startsWith("Deployment frontend"));
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await eventually(said, (text) => text.startsWith("Deployment cart"));
  await page.keyboard.press("Enter");
  await panel.getByRole("heading", { name: "cart" }).waitFor();
  await page.keyboard.press("f");
  await eventually(() => address().get("focus"), "prod-1/shop/Deployment/cart");
  await page.keyboard.press("s");
  await eventually(() => address().get("show"), "stack");
  await page.keyboard.press("s");
  await page.keyboard.press("Escape");
  await eventually(() => address().get("pick"), null);
  await page.keyboard.press("Escape");
  await eventually(() => address().get("focus"), null);
  await page.keyboard.press("b");
  await eventually(() => address().get("mode"), "baseline");
  await page.keyboard.press("u");
  await eventually(() => address().get("filter"), "is:unexpected");
  await page.keyboard.press("l");
  await eventually(() => address().get("rail"), "0");
});

test("the table holds the same as the map, and the keyboard walks it", async () => {
  const { page, map, address } = await visit("?open=ns:prod-1/shop");
  await map.locator(".node").first().waitFor();
  const drawn = [await map.locator(".node, .group").count(), await map.locator(".edge").count()];

  await page.keyboard.press("t");
  const nodes = page.getByRole("treegrid", { name: "Nodes" });
  await nodes.waitFor();
  assert.deepEqual([await nodes.locator("tbody tr").count(), await page.getByRole("treegrid", { name: "Calls" }).locator("tbody tr").count()], drawn);

  await eventually(() => page.evaluate(() => document.activeElement?.tagName), "TR");
  const groups = await nodes.locator("tbody tr").evaluateAll((rows) => rows.findIndex((row) => row.getAttribute("aria-expanded") === "true"));
  for (let at = 0; at < groups; at += 1) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowLeft");
  await eventually(() => address().get("open"), null);
  await eventually(() => nodes.locator("tr[aria-expanded=true]").count(), 0);
  await page.keyboard.press("ArrowRight");
  await eventually(() => address().get("open"), "ns:prod-1/shop");
  await nodes.getByRole("row", { name: "cart" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await eventually(() => address().get("pick"), (pick) => pick?.startsWith("n:prod-1/shop/"));
  await page.keyboard.press("Tab");
});

/** Presses Tab until it has come round, and returns what of all controls in sight never had the focus. */
async function unreached(page) {
  const controls = "button, a[href], input, select, [tabindex]";
  await page.evaluate(() => {
    window.reached = new Set([document.activeElement]);
    addEventListener("focusin", ({ target }) => window.reached.add(target));
  });
  // A date has a stop for each of its parts.
  const stops = (await page.locator(controls).count()) + 10 * (await page.locator("input[type^=date]").count()) + 10;
  for (let at = 0; at < stops; at += 1) await page.keyboard.press("Tab");
  return page.evaluate((any) => {
    // Of tabs and of rows one has a stop; arrows lead to the others, which other tests walk.
    const byArrow = (element) => element.tabIndex < 0 && element.closest("[role=tablist], [role=treegrid]") !== null;
    const missed = [...document.querySelectorAll(any)].filter((element) => element.checkVisibility() && !element.disabled && !byArrow(element) && !window.reached.has(element));
    return missed.map(({ outerHTML }) => outerHTML.slice(0, 160));
  }, controls);
}

for (const [state, query] of Object.entries(STATES)) {
  test(`Tab reaches every control: ${state}`, async () => {
    const { page, settled, close } = await visit(query);
    await page.locator("#map .group, [role=treegrid], .stack").first().waitFor();
    await settled();
    assert.deepEqual(await unreached(page), []);
    await close();
  });
}

test("menus open, are walked and close by keyboard, and give the focus back", async () => {
  const { page, button } = await visit();
  await page.locator("#map .group").first().waitFor();
  for (const name of ["Time range", "More", "Ready-made filters"]) {
    await button(name).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name }).waitFor();
    assert.deepEqual(await unreached(page), []);
    await page.getByRole("dialog", { name }).getByRole("button").first().focus();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog", { name }).waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), name);
  }
});

test("arrows walk tabs; Enter and Space press what stands in the stacked view", async () => {
  const { page, panel, address } = await visit("?show=stack&focus=prod-1/shop/Deployment/cart&pick=n:prod-1/shop/Deployment/cart");
  await panel.getByRole("tab", { name: "Traffic" }).focus();
  await page.keyboard.press("ArrowRight");
  await panel.getByRole("tab", { name: "Network", selected: true }).waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await panel.getByRole("tab", { name: "Events", selected: true }).waitFor();

  const picture = page.getByRole("group", { name: "Stacked" });
  await picture.getByRole("button", { name: /^Workload price/ }).focus();
  await page.keyboard.press("Space");
  await eventually(() => address().get("pick"), "n:prod-1/shop/Deployment/price");
  await picture.getByRole("button", { name: /^Workload cart/ }).focus();
  await page.keyboard.press("Enter");
  await eventually(() => address().get("pick"), "n:prod-1/shop/Deployment/cart");
});

test("Chinese is spoken throughout, and the pseudo-language finds no word outside the catalogue", async () => {
  const chinese = await visit("?lang=zh&open=*&pick=n:prod-1/shop/Deployment/price");
  await chinese.page.getByText("可能的原因是自身 CPU。").waitFor();
  assert.equal(await chinese.page.getAttribute("html", "lang"), "zh");

  const pseudo = await visit("?lang=pseudo&open=ns:prod-1/shop&pick=n:prod-1/shop/Deployment/price");
  await pseudo.page.locator(".panel .verdict").waitFor();
  const bare = await pseudo.page.evaluate(() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const data = "kbd, code, pre, .u-legend, .protocol h3, time, .node .name, .group .name, h2, .items .what, .link, .hint, .cluster, .exports, title, option, .muted, td, .worst, script, noscript";
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.textContent.trim();
      if (/[a-z]{4,}/i.test(text) && !text.includes("[") && !text.includes("~") && !text.includes("]") && !node.parentElement.closest(data)) found.push(text);
    }
    return found;
  });
  assert.deepEqual(bare, []);
});

for (const [width, height] of [[1280, 800], [1024, 700], [2560, 1440], [640, 900]]) {
  test(`nothing sticks out at ${width} x ${height}, even in longer words`, async () => {
    const { page, close } = await visit("?lang=pseudo&open=*&pick=n:prod-1/shop/Deployment/price", { width, height });
    await page.locator(".panel .verdict").waitFor();
    const out = await page.evaluate(() => {
      const wide = document.scrollingElement.scrollWidth > innerWidth ? ["page"] : [];
      for (const element of document.querySelectorAll(".bar > *, .strip > *, .panel > *, .rail > *, .controls button")) {
        const box = element.getBoundingClientRect();
        if (box.width > 0 && (box.right > innerWidth + 1 || box.left < -1)) wide.push(`${element.tagName}.${element.className} ${Math.round(box.left)}..${Math.round(box.right)}`);
      }
      return wide;
    });
    assert.deepEqual(out, []);
    await close();
  });
}

test("on a small screen details are a sheet over the map", async () => {
  const { page, panel } = await visit("?open=*&pick=n:prod-1/shop/Deployment/price", { width: 700, height: 900 });
  await panel.getByRole("heading", { name: "price" }).waitFor();

  const [sheet, map] = [await panel.boundingBox(), await page.locator("#map").boundingBox()];
  assert.equal(sheet.width, 700);
  assert.ok(sheet.y > map.y && map.width === 700);
  await eventually(async () => (await page.locator("#map .node.picked").boundingBox()).y, (y) => y < sheet.y, "the node's place");
});

test("the page and its style weigh at most 120 KB", async () => {
  const { readdirSync, readFileSync } = await import("node:fs");
  const { gzipSync } = await import("node:zlib");
  const folder = new URL("../../dist/assets/", import.meta.url);

  const sizes = readdirSync(folder).filter((name) => /\.(js|css)$/.test(name)).map((name) => gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length);

  assert.ok(sizes.length >= 2);
  assert.ok(sizes.reduce((all, size) => all + size, 0) <= 120 * 1024, String(sizes));
});

test("the page asks no other server, and breaks no rule of its own policy", async () => {
  const { page, quiet, stand } = await visit("?open=*&pick=n:prod-1/shop/Deployment/price");
  const others = [];
  page.on("request", (request) => new URL(request.url()).origin !== new URL(page.url()).origin && others.push(request.url()));
  await page.getByRole("complementary", { name: "Details" }).locator(".u-over").first().waitFor();
  await page.reload();
  await page.getByRole("complementary", { name: "Details" }).locator(".u-over").first().waitFor();

  assert.deepEqual(others, []);
  assert.ok(stand.asked.length > 0);
  quiet();
});
