// The guide's pictures, of the demo as it runs: start `make demo`, wait for three minutes, then
// `node docs/guide/shoot.mjs [URL]`. They show the last two minutes, so that charts and the strip of time are full.
import { createRequire } from "node:module";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const { chromium } = createRequire(new URL("../../ui/package.json", import.meta.url))("playwright-core");

const url = process.argv[2] ?? "http://localhost:4680/";
const PATIENCE = 180_000;
/** In bytes: everybody who clones the repository gets them. */
const LARGEST = 150_000;
const id = (name) => `demo/shop/Deployment/${name}`;

/** Name, what the address says, and what has to be seen before the picture. */
const SHOTS = [
  ["groups", "", ".map .group"],
  ["shop", "open=*", ".map .node"],
  ["edge", `open=*&rail=0&pick=e:${id("web")}>${id("recommend")}`, ".panel table"],
  ["node", `open=*&rail=0&pick=n:${id("search")}&tab=resources`, ".panel table"],
  ["stacked", `show=stack&rail=0&focus=${id("cart")}`, ".stack .node"],
  ["baseline", `open=*&rail=0&mode=baseline&pick=e:${id("catalog")}>${id("payment")}`, ".panel table"],
];

/** Waits until everything was judged that the demo hides. */
async function judged() {
  const end = Date.now() + PATIENCE;
  while (Date.now() < end) {
    const graph = await fetch(`${url}api/v1/graph?collapse=none`).then((answer) => answer.json(), () => ({}));
    const edge = (source, target) => graph.edges?.find((it) => it.source === id(source) && it.target === id(target));
    const isHeldBack = graph.nodes?.some((it) => it.id === id("search") && ["yellow", "red"].includes(it.health.level));
    if (isHeldBack && edge("cart", "payment")?.health.level === "red" && edge("catalog", "payment")?.expected === "unexpected") return;
    await new Promise((next) => setTimeout(next, 1000));
  }
  throw new Error(`at ${url} not all is there that the demo hides: does it run, with a CPU to spare?`);
}

await judged();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const [name, address, thing] of SHOTS) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, colorScheme: "light", locale: "en-US" });
  await page.goto(`${url}?from=-2m&${address}`);
  await page.locator(thing).first().waitFor();
  // The stream stays open, so the network is never idle; charts and the camera need a moment.
  await page.waitForTimeout(1500);
  const path = fileURLToPath(new URL(`${name}.png`, import.meta.url));
  await page.screenshot({ path });
  await page.close();
  if (statSync(path).size > LARGEST) throw new Error(`${path} has more than ${LARGEST} bytes`);
}
await browser.close();
