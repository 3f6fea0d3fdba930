// Connections to PostgreSQL and Redis that outlive a restart of either. Knows nothing of what they are used for.
import { Redis } from "ioredis";
import { Pool } from "pg";
import { type Log, reason } from "./log";

/** A pool that reports a lost connection instead of ending the process. */
export function openDatabase(url: string, log: Log, connections = 5): Pool {
  const pool = new Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 3000,
    query_timeout: 10_000,
    keepAlive: true,
  });
  pool.on("error", (error) => log("warning", "a database connection was lost", { error: reason(error) }));
  return pool;
}

/** A client that comes back by itself; a command fails after a while instead of waiting for that. */
export function openRedis(url: string, log: Log): Redis {
  const redis = new Redis(url, {
    commandTimeout: 3000,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(100 * attempt, 2000),
  });
  redis.on("error", (error) => log("warning", "redis is away", { error: reason(error) }));
  return redis;
}

/** A client for subscriptions only, which waits for redis as long as it takes. */
export function openSubscriber(url: string, log: Log): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(100 * attempt, 2000),
  });
  redis.on("error", (error) => log("warning", "redis is away", { error: reason(error) }));
  return redis;
}
