import { defineConfig } from "vite";

// The page is served at /console/, under a policy that allows nothing inline and nothing from elsewhere.
export default defineConfig(({ command }) => ({
  base: command === "serve" ? "/console/" : "./",
  build: { outDir: "dist/console", emptyOutDir: true, assetsInlineLimit: 0, target: ["chrome123", "firefox125", "safari17.5"], modulePreload: { polyfill: false }, chunkSizeWarningLimit: 1500 },
  server: { proxy: { "/console/api": "http://127.0.0.1:8080", "/hls": "http://127.0.0.1:8080", "/dash": "http://127.0.0.1:8080" } },
}));
