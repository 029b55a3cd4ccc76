import { defineConfig } from "vite";

// The page is served from the root by the binary itself, under `default-src 'self'`: no inline script, no inline style,
// no data: address, so nothing may be inlined here either.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  server: { proxy: { "/api": "http://localhost:4680" } },
});
