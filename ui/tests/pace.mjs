// How long frames take while a large map is panned and zoomed: `node tests/pace.mjs [world] [query]`.
import { chromium } from "playwright-core";
import { serve } from "./server/serve.mjs";

const [world = "thousand", query = "?open=*&rail=0"] = process.argv.slice(2);
const stand = await serve({ world });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
page.on("pageerror", (error) => console.log("error:", error.stack));
await page.goto(stand.url + query);
await page.waitForSelector(".node, .group");
await page.waitForTimeout(1500);
const seen = await page.evaluate(() => ({ nodes: document.querySelectorAll(".node").length, edges: document.querySelectorAll(".edge").length }));
const frames = page.evaluate(
  () =>
    new Promise((done) => {
      const times = [];
      let last = performance.now();
      const step = (now) => {
        times.push(now - last);
        last = now;
        if (times.length < 100) requestAnimationFrame(step);
        else done(times.slice(5));
      };
      requestAnimationFrame(step);
    }),
);
await page.mouse.move(800, 450);
await page.mouse.down();
for (let at = 0; at < 40; at += 1) await page.mouse.move(800 - at * 6, 450 - at * 3);
await page.mouse.up();
for (let at = 0; at < 20; at += 1) await page.mouse.wheel(0, at < 10 ? -60 : 60);
const times = (await frames).sort((a, b) => a - b);
const at = (share) => times[Math.floor(times.length * share)].toFixed(0);
console.log(JSON.stringify({ ...seen, p50: at(0.5), p95: at(0.95), max: at(0.999) }));
if (process.argv[4]) await page.screenshot({ path: process.argv[4] });
await browser.close();
await stand.close();
