// Starts and ends campaigns at their times.
import {
  CAMPAIGNS_CACHE,
  CAMPAIGNS_CHANGED,
  makeLog,
  onSignal,
  openDatabase,
  openRedis,
  reason,
  secret,
  text,
  wholeNumber,
  Worker,
} from "@campaign/shared";
import { bringUpToDate } from "./schedule";

async function main(): Promise<void> {
  const log = makeLog("scheduler", process.env.LOG_LEVEL);
  const database = openDatabase(secret(process.env, "DATABASE_URL"), log, 2);
  const redis = openRedis(text(process.env, "REDIS_URL", "redis://redis:6379"), log);

  const worker = new Worker(
    async () => {
      await redis.ping();
      const changes = await bringUpToDate(database);
      if (changes.length === 0) return;
      await redis.del(CAMPAIGNS_CACHE);
      for (const change of changes) {
        await redis.publish(CAMPAIGNS_CHANGED, change.id);
        log("info", "a campaign changed", { campaign: change.id, status: change.status });
      }
    },
    wholeNumber(process.env, "SCHEDULER_INTERVAL_MS", 1000),
    log,
  );
  onSignal(log, () => worker.stop());
  log("info", "working");
  await worker.run();
  redis.disconnect();
  await database.end();
  log("info", "stopped");
}

main().catch((error: unknown) => {
  makeLog("scheduler")("error", "the scheduler can not start", { error: reason(error) });
  process.exit(1);
});
