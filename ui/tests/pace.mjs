// How soon the page is there and how long frames take: `node tests/pace.mjs`. Prints figures for benches/RESULTS.md.
import { chromium } from "playwright-core";

import { serve } from "./server/serve.mjs";

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });

async function open(world, query) {
  const stand = await serve({ world });
  const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
  await page.goto(stand.url + query);
  await page.locator("#map .group").first().waitFor();
  return { page, close: () => Promise.all([page.close(), stand.close()]) };
}

/** Milliseconds from navigation to the first paint, and to the first group on the map. */
async function firstPaint() {
  const { page, close } = await open("cluster", "?rail=0");
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  const answer = await page.evaluate(() => performance.getEntriesByType("resource").find(({ name }) => name.includes("/api/v1/graph?"))?.responseEnd);
  await close();
  return `first paint ${paint?.toFixed(0)} ms, groups of 2,000 workloads answered at ${answer?.toFixed(0)} ms`;
}

/** Frame times while a map is dragged, then zoomed. */
async function frames(world, query) {
  const { page, close } = await open(world, query);
  await page.waitForTimeout(1500);
  const nodes = await page.locator("#map .node").count();
  const recorded = page.evaluate(
    () =>
      new Promise((done) => {
        const times = [];
        let last = performance.now();
        const step = (now) => {
          times.push(now - last);
          last = now;
          if (window.stopFrames) done(times.slice(2));
          else requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
      }),
  );
  await page.mouse.move(800, 450);
  await page.mouse.down();
  for (let at = 0; at < 120; at += 1) await page.mouse.move(800 - Math.sin(at / 10) * 200, 450 - Math.cos(at / 10) * 100);
  await page.mouse.up();
  for (let at = 0; at < 60; at += 1) await page.mouse.wheel(0, at % 20 < 10 ? -60 : 60);
  await page.evaluate(() => (window.stopFrames = true));
  const times = (await recorded).sort((a, b) => a - b);
  await close();
  const at = (share) => times[Math.floor(times.length * share)].toFixed(0);
  return `${nodes} nodes: ${times.length} frames, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(0.9999)} ms`;
}

console.log(await firstPaint());
console.log(`1,000 nodes and 3,000 edges visible: ${await frames("thousand", "?open=*&rail=0")}`);
console.log(`200 nodes and 600 edges: ${await frames("two_hundred", "?open=*&rail=0")}`);
await browser.close();
