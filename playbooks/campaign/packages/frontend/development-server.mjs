// Vite with nginx's address and nginx's work: the page under every path, /api from the API.
import { createServer } from "vite";

const server = await createServer({
  configFile: false,
  // The folder of the sources can not be written.
  cacheDir: "/tmp/vite",
  server: {
    host: "0.0.0.0",
    port: 8080,
    strictPort: true,
    allowedHosts: true,
    proxy: { "/api": { target: process.env.VITE_API_URL || "http://api:3000" } },
  },
});
await server.listen();
console.log(JSON.stringify({ time: new Date(), level: "info", service: "frontend", message: "listening", port: 8080 }));
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => void server.close().then(() => process.exit(0)));
}
