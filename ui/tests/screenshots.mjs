// Pictures of the page in every state: `node tests/screenshots.mjs DIR [URL]`. Without a URL the stand-in is pictured;
// with one, a real server, and then only the states that need no name of a node.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

import { serve } from "./server/serve.mjs";

const [folder = "screenshots", url] = process.argv.slice(2);
const EDGE = "prod-1/shop/Deployment/frontend>prod-1/pay/Deployment/payment";
const ROGUE = "prod-1/shop/Deployment/price>prod-1//Redis/cache-of-nobody.example%253A6379";

/** Name, world, query, and what to do before the picture. */
const SHOTS = [
  ["empty", "empty", ""],
  ["groups", "shop", ""],
  ["open", "shop", "?open=*"],
  ["two-hundred", "two_hundred", "?open=*&rail=0"],
  ["cluster", "cluster", ""],
  ["node", "shop", "?open=*&pick=n:prod-1/shop/Deployment/price"],
  ["instances", "shop", "?open=*&pick=n:prod-1/pay/StatefulSet/ledger&tab=state"],
  ["edge", "shop", `?open=*&pick=e:${EDGE}`],
  ["focus", "shop", "?focus=prod-1/shop/Deployment/cart"],
  ["stack", "shop", "?show=stack&rail=0&focus=prod-1/shop/Deployment/cart"],
  ["baseline", "shop", `?open=*&mode=baseline&pick=e:${ROGUE}`],
  ["comparison", "shop", "?open=*&compare=-1d&rail=0"],
  ["path", "shop", "?path=cart>price"],
  ["table", "shop", "?show=table&open=*"],
  ["chinese", "shop", "?lang=zh&open=*&pick=n:prod-1/shop/Deployment/price"],
];
const REAL = [
  ["groups", "", ""],
  ["open", "", "?open=*"],
  ["baseline", "", "?open=*&mode=baseline"],
  ["table", "", "?show=table&open=*"],
  ["comparison", "", "?open=*&compare=previous"],
];
const SIZES = [[1280, 800], [2560, 1440]];

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const [name, world, query] of url ? REAL : SHOTS) {
  const stand = url ? null : await serve({ world });
  for (const scheme of ["light", "dark"]) {
    for (const [width, height] of SIZES) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme, locale: "en-US" });
      await page.goto((url ?? stand.url) + query);
      await page.locator(".map .group, [role=treegrid], .stack, .notice .title").first().waitFor();
      await page.waitForLoadState("networkidle", { timeout: 5_000 }).catch(() => undefined);
      await page.waitForTimeout(400);
      await page.screenshot({ path: join(folder, `${name}-${scheme}-${width}.png`) });
      await page.close();
    }
  }
  await stand?.close();
}
await browser.close();
