// The life of a worker: a task that runs at an interval, or sooner when it is woken, until a signal ends it.
import { writeFileSync } from "node:fs";
import { type Log, reason } from "./log";

/** The file whose age tells when the worker's task last succeeded. */
export const HEARTBEAT = "/tmp/heartbeat";

export class Worker {
  private stopping = false;
  private wanted = false;
  private wake: () => void = () => {};
  private failures = 0;

  constructor(
    private readonly task: () => Promise<void>,
    private readonly interval: number,
    private readonly log: Log,
    private readonly heartbeat = HEARTBEAT,
  ) {}

  /** Run the task soon: now, or once more when it is running. */
  poke(): void {
    this.wanted = true;
    this.wake();
  }

  /** Finish what is in hand, then return from `run`. */
  stop(): void {
    this.stopping = true;
    this.wake();
  }

  /** Every `interval` milliseconds until `stop`. A failure is logged when it begins and when it is over. */
  async run(): Promise<void> {
    while (!this.stopping) {
      this.wanted = false;
      try {
        await this.task();
        writeFileSync(this.heartbeat, String(Date.now()));
        if (this.failures > 0) this.log("info", "working again", { failures: this.failures });
        this.failures = 0;
      } catch (error) {
        this.failures += 1;
        if (this.failures === 1) this.log("warning", "the task failed and is tried again", { error: reason(error) });
      }
      await this.pause();
    }
  }

  private pause(): Promise<void> {
    if (this.stopping || this.wanted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.interval);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Call `stop` at the first SIGTERM or SIGINT. */
export function onSignal(log: Log, stop: () => void): void {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      log("info", "stopping", { signal });
      stop();
    });
  }
}
