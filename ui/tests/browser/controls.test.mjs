// Every control that the page ever shows is used at least once, and does something.
import assert from "node:assert/strict";
import test from "node:test";

import { visit } from "./support.mjs";

/** Runs in the page: notes every control that is there, and every one that is used, by region and name. */
function watch() {
  const seen = new Map();
  const used = new Set();
  window.controls = { seen, used };
  const kinds = "button, a[href], input, select, [role=tab], [role=radio], [role=option], tr[role=row][tabindex], .track, [data-fold], .u-over";
  const places = ".hits, .items, .grid tbody, .popover, .legend, .panel, .rail, .focus-bar, .comparison, .path-check, .strip, .controls, .bar, [role=treegrid], .stack, .map, .notice, .help";
  const name = (element) => {
    const place = element.closest(places);
    const region = place ? place.getAttribute("aria-label") ?? place.className.baseVal ?? place.className : "page";
    if (element.matches(".track, .big, .link")) return `${region}: ${element.matches(".track") ? "strip" : element.matches(".big") ? "any number" : "any link to a node"}`;
    // Rows of lists are all alike: one stands for all.
    const row = element.closest(".hits li, .items li, .grid tbody tr, [role=treegrid] tr[role=row], .focus-bar li, .hops li, .also");
    const role = element.getAttribute("role") ?? element.tagName.toLowerCase();
    const label = row ? "any row" : element.getAttribute("aria-label") ?? element.labels?.[0]?.innerText ?? element.innerText ?? element.getAttribute("class");
    return `${region}: ${role} ${String(label).replace(/\d[\d.,:]*\s*\w*/g, "#").trim()}`;
  };
  const look = () => {
    for (const element of document.querySelectorAll(kinds)) if (!seen.has(name(element)) && element.getClientRects().length > 0 && !element.disabled) seen.set(name(element), element.outerHTML.slice(0, 120));
  };
  const use = (event) => {
    const element = event.target.closest?.(kinds);
    if (element) used.add(name(element));
  };
  for (const kind of ["click", "input", "change", "pointerdown", "keydown"]) addEventListener(kind, use, true);
  const start = () => {
    new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
    look();
  };
  if (document.documentElement) start();
  else addEventListener("DOMContentLoaded", start);
}

test("every control is used", async () => {
  const all = { seen: new Map(), used: new Set() };
  const gather = async ({ page, settled }) => {
    await settled();
    const { seen, used } = await page.evaluate(() => ({ seen: [...window.controls.seen], used: [...window.controls.used] }));
    for (const [name, html] of seen) all.seen.set(name, html);
    for (const name of used) all.used.add(name);
  };
  const scenes = [
    ["?open=ns:prod-1/shop", useBar],
    ["?open=*&pick=n:prod-1/shop/Deployment/cart", useNodePanel],
    ["?mode=baseline&open=*&pick=e:prod-1/shop/Deployment/price>prod-1//Redis/cache-of-nobody.example%253A6379", useEdgePanel],
    ["?pick=g:ns:prod-1/shop", useGroupPanel],
    ["?pick=e:ns:prod-1/shop>ns:prod-1/pay", useBundle],
    ["?pick=e:ns:prod-1/shop>ns:prod-1/pay", useOtherEndOfBundle],
    ["?focus=prod-1/shop/Deployment/cart&depth=2", useFocus],
    ["?show=table", useTable],
    ["?compare=-1d", useComparison],
    ["?path=cart>price", usePath],
    ["?show=stack&focus=prod-1/shop/Deployment/cart", useStack],
    ["?show=stack", usePlainStack],
    ["?filter=ns+in+(nowhere)", useEmptyFilter],
    ["?open=*&focus=prod-1/shop/Deployment/nobody", useEmptyFocus],
    ["", useMap],
    ["", useClusters, "two_clusters"],
    ["?show=table&open=*", useLongLists, "two_hundred"],
  ];
  for (const [query, use, world = "shop"] of scenes) {
    const visited = await visit(query, { world, script: watch, allow: ["404", "400"], height: 900 });
    await visited.page.locator("#map .group, [role=treegrid], .stack, .notice").first().waitFor();
    await use(visited);
    await gather(visited);
    await visited.close();
  }
  const unused = [...all.seen].filter(([name]) => !all.used.has(name)).map(([name, html]) => `${name}   ${html}`);
  assert.deepEqual(unused, []);
});

async function useBar({ page, settled, button, download }) {
  await button("Inspection list").click();
  await button("Inspection list").click();
  await page.getByRole("radio", { name: "Service" }).click();
  await page.getByRole("radio", { name: "Workload" }).click();
  await page.getByRole("combobox", { name: "Search for a node" }).fill("cart");
  await page.getByRole("option", { name: /cart/ }).first().click();
  await page.getByRole("combobox", { name: "Filter" }).fill("i");
  await page.getByRole("option", { name: /is:/ }).first().click();
  await page.getByRole("combobox", { name: "Filter" }).fill("ns in (shop, pay)");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await button("Ready-made filters").click();
  const presets = page.getByRole("dialog", { name: "Ready-made filters" });
  for (const name of ["Hide DNS", "Hide probes", "Hide scrapers", "Only what nobody expected"]) {
    await presets.getByLabel(name).check();
    await presets.getByLabel(name).uncheck();
  }
  await settled();
  await presets.getByLabel("First namespace").selectOption("shop");
  await presets.getByLabel("Second namespace").selectOption("pay");
  await presets.getByRole("button", { name: "Show" }).click();
  await button("Ready-made filters").click();
  await presets.getByRole("button", { name: "Clear the filter" }).click();
  for (const length of ["last 5 min", "last 15 min", "last 60 min", "last 6 h", "last 24 h", "last 7 d"]) {
    await button("Time range").click();
    await page.getByRole("dialog", { name: "Time range" }).getByRole("button", { name: length }).click();
  }
  await button("Time range").click();
  await page.getByLabel("From", { exact: true }).fill("2026-11-01T10:00:00");
  await page.getByLabel("To", { exact: true }).fill("2026-11-01T11:30:00");
  await button("Show this range").click();
  const bar = page.getByRole("banner");
  await bar.getByRole("button", { name: "One step earlier" }).click();
  await bar.getByRole("button", { name: "One step later" }).click();
  await bar.getByRole("button", { name: "paused" }).click();
  await bar.getByRole("button", { name: "live" }).click();
  await bar.getByRole("button", { name: "paused" }).click();
  const menu = async (name) => {
    await button("More").click();
    await page.getByRole("dialog", { name: "More" }).getByRole("button", { name, exact: true }).click();
    await settled();
  };
  for (const [word, name] of [["Namespaces", "Namespaces"], ["Hosts", "Hosts"]]) {
    await menu(word);
    await page.getByRole("radio", { name }).click();
    await menu(word);
  }
  for (const name of ["Table", "Stacked", "Map", "Baseline mode", "Compare two windows", "Compare two windows", "Check a path", "Check a path", "Copy link", "Keys"]) await menu(name);
  await button("Close").click();
  await button("More").click();
  await page.getByLabel("Theme").selectOption("dark");
  await page.getByLabel("Language").selectOption("en");
  for (const format of ["json", "yaml", "svg", "dot", "mermaid", "csv"]) await download(() => page.getByRole("link", { name: format, exact: true }).click());
  await page.keyboard.press("Escape");
  const rail = page.getByRole("complementary", { name: "Findings" });
  for (const name of [/red$/, /yellow$/, /against the baseline$/]) {
    await rail.getByRole("button", { name }).click();
    await rail.getByRole("button", { name }).click();
  }
  await rail.locator(".items button").first().click();
  await download(() => rail.getByRole("button", { name: "Export as CSV" }).click());
  const strip = page.getByRole("contentinfo");
  await strip.getByRole("button", { name: "One step earlier" }).click();
  await strip.getByRole("button", { name: "One step later" }).click();
  await strip.getByRole("button", { name: "Play" }).click();
  await strip.getByRole("button", { name: "Stop playing" }).click();
  await page.locator(".track").click();
}

async function useNodePanel({ page, settled, panel }) {
  await panel.locator(".u-over").first().waitFor();
  for (const name of ["Traffic", "Network", "Resources", "State", "Events", "Traffic"]) await panel.getByRole("tab", { name }).click();
  for (const big of await panel.locator(".big").all()) await big.click();
  for (const tab of ["Traffic", "Events", "Resources", "State"]) {
    await panel.getByRole("tab", { name: tab }).click();
    for (const head of await panel.locator("th button").all()) await head.click();
  }
  const [ofPod] = await Promise.all([page.waitForEvent("popup"), panel.getByRole("link", { name: /^Logs of / }).click()]);
  await ofPod.close();
  await panel.getByRole("tab", { name: "Traffic" }).click();
  await panel.locator(".u-over").first().click();
  await panel.locator(".u-over").last().click();
  const [logs] = await Promise.all([page.waitForEvent("popup"), panel.getByRole("link", { name: "Logs" }).click()]);
  await logs.close();
  await panel.getByRole("table", { name: "Called" }).getByRole("button", { name: "price" }).click();
  await panel.getByRole("heading", { name: "price" }).waitFor();
  await panel.getByText("Behind the Service").getByRole("button").click();
  await settled();
  await page.goBack();
  await panel.getByRole("heading", { name: "price" }).waitFor();
  await panel.getByRole("button", { name: "Narrow to this" }).click();
  await panel.getByRole("button", { name: "Close details" }).click();
}

async function useEdgePanel({ page, panel, download }) {
  await panel.locator(".u-over").first().waitFor();
  await panel.getByRole("tab", { name: "Network" }).click();
  await panel.locator(".u-over").first().click();
  await panel.getByRole("tab", { name: "Traffic" }).click();
  for (const big of await panel.locator(".big").all()) await big.click();
  for (const head of await panel.locator("th button").all()) await head.click();
  await panel.locator(".u-over").first().click();
  await panel.locator(".u-over").last().click();
  const [trace] = await Promise.all([page.waitForEvent("popup"), panel.locator(".traces a").first().click()]);
  await trace.close();
  await download(() => panel.getByRole("button", { name: "Expected" }).click());
  await download(() => panel.getByRole("button", { name: "Forbid" }).click());
  await panel.getByRole("button", { name: "Except until…" }).click();
  await panel.getByLabel("Until").fill("2027-01-31");
  await panel.getByLabel("Owner").fill("me");
  await panel.getByLabel("Reason").fill("why");
  await download(() => panel.getByRole("button", { name: "Write the exception" }).click());
  await panel.getByRole("button", { name: "Narrow to this" }).click();
  await panel.locator("h2 button").first().click();
  await page.goBack();
  await panel.getByRole("heading", { name: /cache-of-nobody/ }).waitFor();
  await panel.locator("h2 button").last().click();
}

async function useGroupPanel({ panel }) {
  await panel.getByRole("button", { name: "Open the group" }).click();
  await panel.getByRole("table", { name: "Nodes of the group" }).waitFor();
  for (const head of await panel.locator("th button").all()) await head.click();
  await panel.getByRole("button", { name: "Close the group" }).click();
  await panel.getByRole("button", { name: "Open the group" }).waitFor();
  await panel.getByRole("button", { name: "Narrow to this" }).click();
}

async function useBundle({ panel }) {
  await panel.getByRole("button", { name: "Open shop" }).waitFor();
  for (const big of await panel.locator(".big").all()) await big.click();
  await panel.getByRole("button", { name: "Open shop" }).click();
}

async function useOtherEndOfBundle({ panel }) {
  await panel.getByRole("button", { name: "Open pay" }).click();
}

async function useFocus({ page }) {
  const bar = page.getByRole("navigation", { name: "Focus" });
  for (const name of ["callers", "called", "both"]) await bar.getByRole("button", { name, exact: true }).click();
  await bar.getByRole("button", { name: "Look less far" }).click();
  await bar.getByRole("button", { name: "Look farther" }).click();
  await bar.getByRole("button", { name: "Stacked" }).click();
  await bar.getByRole("button", { name: "Stacked" }).click();
  await bar.getByRole("button", { name: "cart" }).click();
  await bar.getByRole("button", { name: "One step back" }).click();
}

async function useTable({ page }) {
  await page.getByRole("button", { name: "Open shop" }).click();
  await page.getByRole("row", { name: /cart/ }).first().click();
  await page.getByRole("treegrid", { name: "Calls" }).getByRole("row").nth(1).click();
  await page.getByRole("button", { name: "Close shop" }).click();
}

async function useComparison({ page, download }) {
  const box = page.getByRole("region", { name: "Compare two windows" });
  await box.getByRole("table").waitFor();
  for (const head of await box.locator("th button").all()) await head.click();
  await box.getByRole("button", { name: "cart → price" }).click();
  await download(() => box.getByRole("button", { name: "Export as CSV" }).click());
  await box.getByLabel("Against").selectOption("-7d");
  await box.getByRole("button", { name: "End the comparison" }).click();
}

async function usePath({ page }) {
  const box = page.getByRole("region", { name: "Check a path" });
  await box.getByLabel("From").fill("cart");
  await box.getByLabel("To").fill("price");
  await box.getByRole("button", { name: "Check", exact: true }).click();
  await box.getByRole("button", { name: "cart → price" }).click();
  await box.getByRole("button", { name: "Close the path check" }).click();
}

async function useStack({ page }) {
  const picture = page.getByRole("group", { name: "Stacked" });
  for (const item of await picture.getByRole("button").all()) await item.click();
  for (const head of await page.locator(".tables th button").all()) await head.click();
  await page.getByRole("table", { name: "The same as a list" }).locator("tbody button").first().click();
}

async function usePlainStack({ page }) {
  await page.getByRole("button", { name: "Map" }).click();
}

async function useEmptyFilter({ page, settled, stand, button }) {
  await page.getByText("Nothing matches the filter.").waitFor();
  await page.locator(".notice").getByRole("button").click();
  stand.use("empty");
  stand.tick();
  await page.getByRole("button", { name: "Look at the last 24 hours" }).click();
  stand.failing = 400;
  await button("Time range").click();
  await page.getByRole("dialog", { name: "Time range" }).getByRole("button", { name: "last 5 min" }).click();
  await page.getByText("The server does not understand the question.").waitFor();
  stand.failing = 0;
  await page.getByRole("button", { name: "Ask again" }).click();
  await settled();
}

async function useEmptyFocus({ page }) {
  await page.locator(".notice").getByRole("button", { name: "Show everything" }).click();
}

async function useMap({ page, settled, map, button }) {
  await button("Zoom in (+)").click();
  await button("Zoom out (−)").click();
  await button("Show everything (0)").click();
  await button("Legend").click();
  await button("Legend").click();
  await button("Open all").click();
  await button("Close all").click();
  await page.locator("#map .group.collapsed").first().waitFor();
  await map.locator("[data-fold]").first().click();
  await settled();
  await page.mouse.move(500, 400);
  await page.mouse.wheel(0, -300);
  await page.mouse.down();
  await page.mouse.move(450, 350, { steps: 3 });
  await page.mouse.up();
}

async function useClusters({ page }) {
  await page.getByLabel("Cluster").selectOption("prod-1");
}

async function useLongLists({ page, settled, stand, panel }) {
  const more = (where) => where.getByRole("button", { name: /^\d+ more$/ }).first();
  await more(page).click();
  const [busy, ...others] = stand.world.nodes;
  stand.world.edges.push(...others.slice(0, 20).map(({ id }) => ({ ...stand.world.edges[0], source: busy.id, target: id })));
  await page.getByRole("treegrid", { name: "Nodes" }).getByRole("row", { name: busy.name }).first().click();
  await more(panel).click();
  await settled();
}
