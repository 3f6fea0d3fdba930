// GET /api/health: does everything that the API needs answer? GET /api/health/live: does the API itself?
import { randomUUID } from "node:crypto";
import { reason } from "@campaign/shared";
import { Controller, Get, HttpException, Inject } from "@nestjs/common";
import type { Redis } from "ioredis";
import type { Pool } from "pg";
import { ABOUT } from "./about";
import { DATABASE, REDIS, STORAGE } from "./parts";
import type { Storage } from "./storage";

type Finding = { status: "ok" | "away"; [detail: string]: unknown };

@Controller("health")
export class HealthController {
  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(STORAGE) private readonly storage: Storage,
  ) {}

  @Get("live")
  live(): object {
    return { status: "ok", ...ABOUT };
  }

  @Get()
  async ready(): Promise<object> {
    const [database, redis, storage] = await Promise.all([
      found(() => this.askDatabase()),
      found(() => this.askRedis()),
      found(() => this.storage.check()),
    ]);
    const well = [database, redis, storage].every((finding) => finding.status === "ok");
    const report = { status: well ? "ok" : "away", ...ABOUT, database, redis, storage };
    if (!well) throw new HttpException(report, 503);
    return report;
  }

  /** A point on the globe is made by PostGIS, so this proves the extension too. */
  private async askDatabase(): Promise<object> {
    const { rows } = await this.database.query(
      "select postgis_lib_version() as postgis, ST_AsText(ST_MakePoint(13.4, 52.5)) as point",
    );
    return rows[0];
  }

  private async askRedis(): Promise<void> {
    const key = `health:${randomUUID()}`;
    await this.redis.set(key, "here", "EX", 5);
    const value = await this.redis.getdel(key);
    if (value !== "here") throw new Error("redis gave back something else than was set");
  }
}

async function found(ask: () => Promise<object | void>): Promise<Finding> {
  try {
    return { status: "ok", ...((await ask()) ?? {}) };
  } catch (error) {
    return { status: "away", error: reason(error) };
  }
}
