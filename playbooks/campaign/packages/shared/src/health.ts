// A worker's health check: node health.js MILLISECONDS. Has its task succeeded in that time?
import { statSync } from "node:fs";
import { HEARTBEAT } from "./worker";

/** How long ago the task last succeeded, in milliseconds; null when it never has. */
export function age(file: string, now: number): number | null {
  try {
    return now - statSync(file).mtimeMs;
  } catch {
    return null;
  }
}

if (require.main === module) {
  const limit = Number(process.argv[2] ?? 15_000);
  const found = age(HEARTBEAT, Date.now());
  console.log(found === null ? "the task has not succeeded yet" : `the task succeeded ${Math.round(found)} ms ago`);
  process.exit(found !== null && found <= limit ? 0 : 1);
}
