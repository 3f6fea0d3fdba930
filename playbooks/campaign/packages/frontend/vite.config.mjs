import { defineConfig } from "vite";

// The development server has nginx's address and does nginx's work: the page under every path, /api from the API.
export default defineConfig({
  esbuild: { jsx: "automatic" },
  server: {
    host: "0.0.0.0",
    port: 8080,
    strictPort: true,
    allowedHosts: true,
    proxy: { "/api": { target: process.env.VITE_API_URL || "http://api:3000" } },
  },
  cacheDir: "/tmp/vite",
});
