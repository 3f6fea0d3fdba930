import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { age } from "../src/health";
import { Worker } from "../src/worker";

const heartbeat = () => join(mkdtempSync(join(tmpdir(), "worker-")), "heartbeat");

test("a poke while the task runs makes it run once more, without waiting for the interval", async () => {
  let runs = 0;
  const worker: Worker = new Worker(
    async () => {
      runs += 1;
      if (runs === 1) worker.poke();
      else worker.stop();
    },
    60_000,
    () => {},
    heartbeat(),
  );
  await worker.run();
  assert.equal(runs, 2);
});

test("a failing task leaves no heartbeat, is logged once, and is tried again", async () => {
  const said: string[] = [];
  const file = heartbeat();
  let runs = 0;
  const worker: Worker = new Worker(
    async () => {
      runs += 1;
      if (runs === 3) worker.stop();
      throw new Error("away");
    },
    1,
    (_, message) => said.push(message),
    file,
  );
  await worker.run();
  assert.equal(runs, 3);
  assert.deepEqual(said, ["the task failed and is tried again"]);
  assert.equal(age(file, Date.now()), null);
});
