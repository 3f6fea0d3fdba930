import assert from "node:assert/strict";
import { test } from "node:test";
import { hash, matches } from "../src/passwords";

test("a password matches its own hash and no other", async () => {
  const stored = await hash("correct horse");
  assert.ok(await matches("correct horse", stored));
  assert.ok(!(await matches("correct mouse", stored)));
  assert.notEqual(stored, await hash("correct horse"));
});
