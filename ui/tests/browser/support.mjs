// A page in Chromium before a stand-in server, and the words to talk about it.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

import { serve } from "../server/serve.mjs";

let browser;
const open = [];

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});

after(async () => {
  await Promise.all(open.map((close) => close()));
  await browser?.close();
});

/** Follows what `page` asks for. What it returns waits until all of that is answered and drawn. */
function watchRequests(page) {
  const open = new Set();
  page.on("request", (request) => !request.url().endsWith("/stream") && open.add(request));
  for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => open.delete(request));
  // Effects run after a frame, so two of them: what an answer makes the page ask for has been asked by then.
  const drawn = () => page.evaluate(() => new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(next)))));
  return async () => {
    do {
      await eventually(() => open.size, 0, "what is asked and not answered");
      await drawn();
    } while (open.size > 0);
  };
}

/** Opens the page that stands at `url`. Whatever the browser complains about fails the test that calls `quiet()`. */
export async function look(url, { width = 1280, height = 800, scheme = "light", script, allow = [] } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale: "en-US", timezoneId: "UTC", acceptDownloads: true, reducedMotion: "reduce" });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error.stack)));
  if (script) await page.addInitScript(script);
  const settled = watchRequests(page);
  await page.goto(url);
  const close = () => context.close();
  open.push(close);
  const map = page.locator("#map");
  return {
    page,
    map,
    close,
    settled,
    /** A group, node or edge on the map, by the start of its sentence. */
    thing: (name) => map.locator(`[role=img][aria-label^="${name}"]`),
    panel: page.getByRole("complementary", { name: "Details" }),
    rail: page.getByRole("complementary", { name: "Findings" }),
    button: (name) => page.getByRole("button", { name, exact: true }),
    address: () => new URL(page.url()).searchParams,
    /** Opens the menu and presses one of its entries. */
    menu: async (name) => {
      await page.getByRole("button", { name: "More", exact: true }).click();
      await page.getByRole("dialog", { name: "More" }).getByRole("button", { name, exact: true }).click();
    },
    /** What a press downloads, as text. */
    download: async (press) => {
      const [file] = await Promise.all([page.waitForEvent("download"), press()]);
      const chunks = [];
      for await (const chunk of await file.createReadStream()) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    },
    quiet: () => assert.deepEqual(complaints.filter((text) => !allow.some((part) => text.includes(part))), []),
  };
}

/** Opens the page at `query` before a stand-in server. */
export async function visit(query = "", { world = "shop", ...how } = {}) {
  const stand = await serve({ world });
  open.push(stand.close);
  const seen = await look(stand.url + query, how);
  const close = async () => {
    await seen.close();
    await stand.close();
  };
  return { ...seen, stand: stand.state, close };
}

/** Waits until `read` gives `wanted`. */
export async function eventually(read, wanted, what = "") {
  const end = Date.now() + 30_000;
  let last;
  while (Date.now() < end) {
    last = await read();
    if (typeof wanted === "function" ? wanted(last) : JSON.stringify(last) === JSON.stringify(wanted)) return last;
    await new Promise((next) => setTimeout(next, 50));
  }
  assert.fail(`${what} was ${JSON.stringify(last)} at last, not ${typeof wanted === "function" ? wanted : JSON.stringify(wanted)}`);
}
