// Campaigns and their assets: /api/campaigns, /api/campaigns/ID, /api/campaigns/ID/asset, /api/campaigns/ID/matches.
import { CAMPAIGNS_CACHE, CAMPAIGNS_CHANGED, type Log, reason } from "@campaign/shared";
import {
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  Post,
  Put,
  Req,
  Res,
  UseGuards,
} from "@nestjs/common";
import type { Request, Response } from "express";
import type { Redis } from "ioredis";
import type { Pool } from "pg";
import { Account, TokenGuard } from "./accounts";
import { campaign, campaignId, InvalidInput } from "./input";
import { DATABASE, LOG, REDIS, STORAGE } from "./parts";
import type { Storage } from "./storage";

const CACHE_SECONDS = 5;
const FIELDS = `id, name, ST_X(place::geometry) as longitude, ST_Y(place::geometry) as latitude, radius_m, starts_at,
  ends_at, status, (select count(*)::int from matches where campaign_id = campaigns.id) as matches`;

@Controller("campaigns")
export class CampaignsController {
  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(STORAGE) private readonly storage: Storage,
    @Inject(LOG) private readonly log: Log,
  ) {}

  @Get()
  async list(@Res({ passthrough: true }) response: Response): Promise<string> {
    response.type("application/json");
    const cached = await this.cached();
    if (cached !== null) return cached;
    const { rows } = await this.database.query(
      `select ${FIELDS} from campaigns order by starts_at desc, id limit 200`,
    );
    const text = JSON.stringify(rows);
    await this.quietly(() => this.redis.set(CAMPAIGNS_CACHE, text, "EX", CACHE_SECONDS));
    return text;
  }

  @Get(":id")
  async one(@Param("id") id: string): Promise<object> {
    const { rows } = await this.database.query(`select ${FIELDS} from campaigns where id = $1`, [campaignId(id)]);
    if (!rows[0]) throw new NotFoundException("there is no such campaign");
    return rows[0];
  }

  @Post()
  @UseGuards(TokenGuard)
  async create(@Body() body: unknown, @Account() account: string): Promise<object> {
    const given = campaign(body);
    const { rows } = await this.database.query(
      `insert into campaigns (name, place, radius_m, starts_at, ends_at, created_by)
       values ($1, ST_SetSRID(ST_MakePoint($2, $3), 4326), $4, $5, $6, $7) returning id, name, status`,
      [given.name, given.longitude, given.latitude, given.radiusMetres, given.startsAt, given.endsAt, account],
    );
    await this.changed(rows[0].id);
    return rows[0];
  }

  @Put(":id/asset")
  @UseGuards(TokenGuard)
  @HttpCode(204)
  async store(@Param("id") id: string, @Req() request: Request): Promise<void> {
    await this.one(id);
    if (!Buffer.isBuffer(request.body) || request.body.length === 0) {
      throw new InvalidInput(["expected the asset itself, with its Content-Type: image/*, video/* or text/plain"]);
    }
    const type = request.header("content-type") ?? "application/octet-stream";
    await this.storage.put(campaignId(id), { content: request.body, type });
  }

  @Get(":id/asset")
  async fetch(@Param("id") id: string, @Res() response: Response): Promise<void> {
    const asset = await this.storage.get(campaignId(id));
    if (asset === null) throw new NotFoundException("the campaign has no asset");
    // It was uploaded by somebody: a browser shall show it and never run it.
    response.set({ "Content-Type": asset.type, "Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff" });
    response.send(asset.content);
  }

  @Get(":id/matches")
  async matches(@Param("id") id: string): Promise<object[]> {
    await this.one(id);
    const { rows } = await this.database.query(
      `select visit_id::int, visitor, distance_m, matched_at from matches join visits on visits.id = visit_id
       where campaign_id = $1 order by matched_at desc, visit_id desc limit 200`,
      [campaignId(id)],
    );
    return rows;
  }

  private async cached(): Promise<string | null> {
    let found: string | null = null;
    await this.quietly(async () => {
      found = await this.redis.get(CAMPAIGNS_CACHE);
    });
    return found;
  }

  private async changed(id: string): Promise<void> {
    await this.quietly(async () => {
      await this.redis.del(CAMPAIGNS_CACHE);
      await this.redis.publish(CAMPAIGNS_CHANGED, id);
    });
  }

  /** Redis makes things faster; without it they still work. */
  private async quietly(use: () => Promise<unknown>): Promise<void> {
    try {
      await use();
    } catch (error) {
      this.log("warning", "going on without redis", { error: reason(error) });
    }
  }
}
