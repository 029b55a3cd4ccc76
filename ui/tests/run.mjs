// Runs all tests of the page: units (bundled, since Node reads no TypeScript), then the page in Chromium.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = fileURLToPath(new URL(".", import.meta.url));
const units = readdirSync(`${here}unit`).filter((name) => name.endsWith(".test.ts"));
rmSync(`${here}out`, { recursive: true, force: true });
await build({
  root: `${here}..`,
  logLevel: "warn",
  publicDir: false,
  build: { ssr: true, outDir: `${here}out`, emptyOutDir: false, rollupOptions: { input: units.map((name) => `${here}unit/${name}`), output: { entryFileNames: "[name].mjs" } } },
});
const browser = readdirSync(`${here}browser`).filter((name) => name.endsWith(".test.mjs"));
const files = [...units.map((name) => `${here}out/${name.replace(/ts$/, "mjs")}`), ...browser.map((name) => `${here}browser/${name}`)];
const only = process.argv.slice(2);
const chosen = only.length ? files.filter((file) => only.some((part) => file.includes(part))) : files;
const { status } = spawnSync(process.execPath, ["--test", "--test-concurrency=1", ...chosen], { stdio: "inherit" });
process.exit(status ?? 1);
