import assert from "node:assert/strict";
import { test } from "node:test";
import { campaign, campaignId, InvalidInput, visit } from "../src/input";

const RIGHT = {
  name: "Opening",
  longitude: 13.4,
  latitude: 52.5,
  radius_m: 500,
  starts_at: "2024-05-01T12:00:00+02:00",
  ends_at: "2024-05-02T12:00:00Z",
};

function reasons(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof InvalidInput);
    return error.reasons;
  }
  assert.fail("nothing was wrong");
}

test("a campaign is read with its place and its times", () => {
  const read = campaign(RIGHT);
  assert.equal(read.startsAt.toISOString(), "2024-05-01T10:00:00.000Z");
  assert.deepEqual([read.longitude, read.latitude, read.radiusMetres], [13.4, 52.5, 500]);
});

for (const [change, expected] of [
  [{ name: " " }, "name: expected 1 to 120 characters"],
  [{ longitude: 181 }, "longitude: expected a number from -180 to 180"],
  [{ latitude: "52" }, "latitude: expected a number from -90 to 90"],
  [{ radius_m: 0 }, "radius_m: expected a number from 1 to 50000"],
  [{ starts_at: "2024-05-01T12:00:00" }, "starts_at: expected an ISO 8601 time with its offset"],
  [{ ends_at: RIGHT.starts_at }, "ends_at: expected a time after starts_at"],
] as const) {
  test(`a campaign with ${JSON.stringify(change)} is rejected`, () => {
    assert.deepEqual(reasons(() => campaign({ ...RIGHT, ...change })), [expected]);
  });
}

test("all that is wrong is said at once", () => {
  assert.equal(reasons(() => campaign({})).length, 6);
  assert.deepEqual(reasons(() => visit([])), ["expected a JSON object"]);
});

test("an id that is no UUID never reaches the database", () => {
  assert.deepEqual(reasons(() => campaignId("1; drop table campaigns")), ["id: expected a UUID"]);
});
