// Looks at visits as they are announced, and at an interval, so that none is forgotten when an announcement is lost.
import {
  CAMPAIGNS_CACHE,
  makeLog,
  onSignal,
  openDatabase,
  openRedis,
  openSubscriber,
  reason,
  secret,
  text,
  VISIT_MATCHED,
  VISIT_RECORDED,
  wholeNumber,
  Worker,
} from "@campaign/shared";
import { evaluate } from "./rules";

async function main(): Promise<void> {
  const log = makeLog("rules-engine", process.env.LOG_LEVEL);
  const redisUrl = text(process.env, "REDIS_URL", "redis://redis:6379");
  const database = openDatabase(secret(process.env, "DATABASE_URL"), log);
  const redis = openRedis(redisUrl, log);
  const subscriber = openSubscriber(redisUrl, log);

  const worker: Worker = new Worker(
    async () => {
      // Asked first: without redis nobody would hear of a match, and the health check shall say so.
      await redis.ping();
      const { matches, more } = await evaluate(database);
      for (const match of matches) await redis.publish(VISIT_MATCHED, JSON.stringify(match));
      if (matches.length > 0) {
        await redis.del(CAMPAIGNS_CACHE);
        log("info", "visits matched", { matches: matches.length });
      }
      if (more) worker.poke();
    },
    wholeNumber(process.env, "RULES_INTERVAL_MS", 2000),
    log,
  );
  subscriber.on("message", () => worker.poke());
  void subscriber.subscribe(VISIT_RECORDED).catch((error: unknown) => {
    log("warning", "not subscribed, working at the interval only", { error: reason(error) });
  });
  onSignal(log, () => worker.stop());
  log("info", "working");
  await worker.run();
  subscriber.disconnect();
  redis.disconnect();
  await database.end();
  log("info", "stopped");
}

main().catch((error: unknown) => {
  makeLog("rules-engine")("error", "the rules engine can not start", { error: reason(error) });
  process.exit(1);
});
