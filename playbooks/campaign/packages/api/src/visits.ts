// POST /api/visits: somebody was somewhere. The rules engine finds out which campaigns that matters to.
import { type Log, reason, VISIT_RECORDED } from "@campaign/shared";
import { Body, Controller, HttpCode, Inject, Post } from "@nestjs/common";
import type { Redis } from "ioredis";
import type { Pool } from "pg";
import { visit } from "./input";
import { DATABASE, LOG, REDIS } from "./parts";

@Controller("visits")
export class VisitsController {
  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(LOG) private readonly log: Log,
  ) {}

  @Post()
  @HttpCode(202)
  async record(@Body() body: unknown): Promise<object> {
    const given = visit(body);
    const { rows } = await this.database.query(
      "insert into visits (visitor, place) values ($1, ST_SetSRID(ST_MakePoint($2, $3), 4326)) returning id::int",
      [given.visitor, given.longitude, given.latitude],
    );
    try {
      await this.redis.publish(VISIT_RECORDED, String(rows[0].id));
    } catch (error) {
      // The visit is stored: the rules engine comes by at its interval.
      this.log("warning", "the rules engine was not told", { error: reason(error) });
    }
    return { status: "recorded", id: rows[0].id };
  }
}
