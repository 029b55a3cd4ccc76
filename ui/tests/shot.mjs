// Takes one picture of the page served by the stand-in: `node tests/shot.mjs WORLD OUT.png QUERY [WIDTHxHEIGHT] [dark]`.
import { chromium } from "playwright-core";
import { serve } from "./server/serve.mjs";

const [world, out, query = "", size = "1280x800", scheme = "light"] = process.argv.slice(2);
const [width, height] = size.split("x").map(Number);
const stand = await serve({ world });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme });
page.on("console", (message) => message.type() === "error" && console.log("console:", message.text()));
page.on("pageerror", (error) => console.log("error:", error.stack));
await page.goto(stand.url + query);
await page.waitForTimeout(1200);
await page.screenshot({ path: out });
await browser.close();
await stand.close();
