// The parts put together: one Nest module, made from settings, with everything that has to be closed again.
import { type Log, openDatabase, openRedis, reason } from "@campaign/shared";
import {
  type ArgumentsHost,
  Catch,
  type DynamicModule,
  type ExceptionFilter,
  HttpException,
  Inject,
  Module,
  type OnApplicationShutdown,
} from "@nestjs/common";
import type { Response } from "express";
import type { Redis } from "ioredis";
import type { Pool } from "pg";
import { AccountsController } from "./accounts";
import { CampaignsController } from "./campaigns";
import { HealthController } from "./health";
import { DATABASE, LOG, REDIS, SETTINGS, STORAGE } from "./parts";
import type { Settings } from "./settings";
import { Storage } from "./storage";
import { VisitsController } from "./visits";

@Module({})
export class Application implements OnApplicationShutdown {
  static with(settings: Settings, log: Log): DynamicModule {
    return {
      module: Application,
      controllers: [HealthController, AccountsController, CampaignsController, VisitsController],
      providers: [
        { provide: SETTINGS, useValue: settings },
        { provide: LOG, useValue: log },
        { provide: DATABASE, useFactory: () => openDatabase(settings.databaseUrl, log, 10) },
        { provide: REDIS, useFactory: () => openRedis(settings.redisUrl, log) },
        { provide: STORAGE, useFactory: () => new Storage(settings.storage) },
      ],
    };
  }

  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(REDIS) private readonly redis: Redis,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    this.redis.disconnect();
    await this.database.end();
  }
}

/** What was not foreseen is logged here and told to nobody else. */
@Catch()
export class Unforeseen implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    if (error instanceof HttpException) {
      response.status(error.getStatus()).json(error.getResponse());
      return;
    }
    // The body's parser has errors of its own, with the status that the caller should see.
    const status = (error as { status?: unknown }).status;
    if (typeof status === "number" && status >= 400 && status < 500) {
      response.status(status).json({ status: "rejected", reasons: ["the body can not be read"] });
      return;
    }
    this.log("error", "a request failed", { error: reason(error) });
    response.status(500).json({ status: "failed", reasons: ["this is our fault; the log has more"] });
  }
}

