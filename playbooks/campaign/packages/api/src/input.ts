// What callers may send. Every function returns the value or throws InvalidInput with all that is wrong at once.
import { HttpException } from "@nestjs/common";

export class InvalidInput extends HttpException {
  constructor(readonly reasons: readonly string[]) {
    super({ status: "rejected", reasons }, 422);
  }
}

export interface Place {
  readonly longitude: number;
  readonly latitude: number;
}

export interface NewCampaign extends Place {
  readonly name: string;
  readonly radiusMetres: number;
  readonly startsAt: Date;
  readonly endsAt: Date;
}

export interface NewVisit extends Place {
  readonly visitor: string;
}

export interface Credentials {
  readonly name: string;
  readonly password: string;
}

const FARTHEST = 50_000;

export function campaign(body: unknown): NewCampaign {
  const fields = new Fields(body);
  const result = {
    name: fields.text("name", 1, 120),
    ...place(fields),
    radiusMetres: fields.number("radius_m", 1, FARTHEST),
    startsAt: fields.time("starts_at"),
    endsAt: fields.time("ends_at"),
  };
  if (result.endsAt <= result.startsAt) fields.wrong("ends_at: expected a time after starts_at");
  return fields.done(result);
}

export function visit(body: unknown): NewVisit {
  const fields = new Fields(body);
  return fields.done({ visitor: fields.text("visitor", 1, 64), ...place(fields) });
}

export function credentials(body: unknown): Credentials {
  const fields = new Fields(body);
  return fields.done({ name: fields.text("name", 1, 64), password: fields.text("password", 10, 200) });
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function campaignId(text: string): string {
  if (!UUID.test(text)) throw new InvalidInput(["id: expected a UUID"]);
  return text.toLowerCase();
}

function place(fields: Fields): Place {
  return { longitude: fields.number("longitude", -180, 180), latitude: fields.number("latitude", -90, 90) };
}

class Fields {
  private readonly values: Record<string, unknown>;
  private readonly reasons: string[] = [];

  constructor(body: unknown) {
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      throw new InvalidInput(["expected a JSON object"]);
    }
    this.values = body as Record<string, unknown>;
  }

  wrong(reason: string): void {
    this.reasons.push(reason);
  }

  text(name: string, shortest: number, longest: number): string {
    const value = this.values[name];
    if (typeof value === "string" && value.trim().length >= shortest && value.length <= longest) return value;
    this.wrong(`${name}: expected ${shortest} to ${longest} characters`);
    return "";
  }

  number(name: string, lowest: number, highest: number): number {
    const value = this.values[name];
    if (typeof value === "number" && value >= lowest && value <= highest) return value;
    this.wrong(`${name}: expected a number from ${lowest} to ${highest}`);
    return Number.NaN;
  }

  time(name: string): Date {
    const value = this.values[name];
    const time = typeof value === "string" && /(Z|[+-]\d\d:\d\d)$/.test(value) ? new Date(value) : new Date(Number.NaN);
    if (Number.isNaN(time.getTime())) this.wrong(`${name}: expected an ISO 8601 time with its offset`);
    return time;
  }

  done<Result>(result: Result): Result {
    if (this.reasons.length > 0) throw new InvalidInput(this.reasons);
    return result;
  }
}
