// Serve until a signal; then answer what is in flight and go.
import "reflect-metadata";
import { makeLog, reason } from "@campaign/shared";
import { NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import { Application, Unforeseen } from "./application";
import { fromEnvironment } from "./settings";

const LARGEST_ASSET = "5mb";
const ASSETS = ["image/*", "video/*", "text/plain", "application/octet-stream"];

async function main(): Promise<void> {
  const log = makeLog("api", process.env.LOG_LEVEL);
  const settings = fromEnvironment(process.env);
  const application = await NestFactory.create<NestExpressApplication>(Application.with(settings, log), {
    logger: false,
    bodyParser: false,
    abortOnError: false,
  });
  application.useBodyParser("json", { limit: "64kb" });
  application.useBodyParser("raw", { limit: LARGEST_ASSET, type: ASSETS });
  application.disable("x-powered-by");
  application.setGlobalPrefix("api");
  application.useGlobalFilters(new Unforeseen(log));
  application.enableShutdownHooks(["SIGTERM", "SIGINT"]);
  await application.listen(settings.port, "0.0.0.0");
  log("info", "listening", { port: settings.port });
}

main().catch((error: unknown) => {
  makeLog("api")("error", "the API can not start", { error: reason(error) });
  process.exit(1);
});
