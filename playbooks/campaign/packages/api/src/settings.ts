// The API's configuration, read once.
import { type Environment, secret, SettingsError, text, wholeNumber } from "@campaign/shared";

export interface Settings {
  readonly port: number;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly jwtSecret: string;
  /** As jsonwebtoken has it: "7d", "12h", "900s". */
  readonly jwtExpiration: string;
  readonly storage: StorageSettings;
}

export interface StorageSettings {
  readonly endpoint: URL;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export const SHORTEST_JWT_SECRET = 16;

/** Every setting; SettingsError naming the first one that can not be used. */
export function fromEnvironment(environment: Environment): Settings {
  const jwtSecret = secret(environment, "JWT_SECRET");
  if (jwtSecret.length < SHORTEST_JWT_SECRET) {
    throw new SettingsError(`JWT_SECRET has fewer than ${SHORTEST_JWT_SECRET} characters`);
  }
  const jwtExpiration = text(environment, "JWT_EXPIRATION", "7d");
  if (!/^[1-9][0-9]*[smhdw]$/.test(jwtExpiration)) {
    throw new SettingsError(`JWT_EXPIRATION is "${jwtExpiration}", expected a number and s, m, h, d or w`);
  }
  return {
    port: wholeNumber(environment, "API_PORT", 3000),
    databaseUrl: secret(environment, "DATABASE_URL"),
    redisUrl: text(environment, "REDIS_URL", "redis://redis:6379"),
    jwtSecret,
    jwtExpiration,
    storage: storageFromEnvironment(environment),
  };
}

export function storageFromEnvironment(environment: Environment): StorageSettings {
  const address = text(environment, "S3_ENDPOINT", "http://minio:9000");
  if (!URL.canParse(address)) throw new SettingsError(`S3_ENDPOINT is "${address}", expected a URL`);
  return {
    endpoint: new URL(address),
    bucket: text(environment, "S3_BUCKET", "campaign-assets"),
    accessKey: secret(environment, "S3_ACCESS_KEY"),
    secretKey: secret(environment, "S3_SECRET_KEY"),
  };
}
