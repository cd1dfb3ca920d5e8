/** The build of the page. Addresses are relative, so that it works under any path. */
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  plugins: [vue()],
  define: { __VUE_OPTIONS_API__: "false" },
  build: { outDir: "../../build/page", emptyOutDir: true, target: "es2022", modulePreload: { polyfill: false } },
});
