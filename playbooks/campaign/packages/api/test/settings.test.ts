import assert from "node:assert/strict";
import { test } from "node:test";
import { fromEnvironment } from "../src/settings";

const RIGHT = {
  DATABASE_URL: "postgres://u:p@postgres/d",
  JWT_SECRET: "x".repeat(16),
  S3_ACCESS_KEY: "access",
  S3_SECRET_KEY: "secret",
};

test("what is not set has the documented default", () => {
  const settings = fromEnvironment(RIGHT);
  assert.equal(settings.port, 3000);
  assert.equal(settings.jwtExpiration, "7d");
  assert.equal(settings.redisUrl, "redis://redis:6379");
  assert.equal(settings.storage.endpoint.href, "http://minio:9000/");
  assert.equal(settings.storage.bucket, "campaign-assets");
});

test("a secret that is too short and a time that is none are refused without being shown", () => {
  assert.throws(() => fromEnvironment({ ...RIGHT, JWT_SECRET: "hunter2" }), (error: Error) => {
    return error.message === "JWT_SECRET has fewer than 16 characters";
  });
  assert.throws(() => fromEnvironment({ ...RIGHT, JWT_EXPIRATION: "soon" }), /JWT_EXPIRATION is "soon"/);
});
