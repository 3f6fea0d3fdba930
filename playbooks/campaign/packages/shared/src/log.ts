// Structured logs: one JSON object a line on standard output.

const LEVELS = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof LEVELS)[number];

export interface Log {
  (level: Level, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A log that names its service and drops what is below `lowest`. */
export function makeLog(service: string, lowest = "info", write = (line: string) => void process.stdout.write(line)): Log {
  const threshold = LEVELS.indexOf(lowest as Level);
  return (level, message, fields = {}) => {
    if (LEVELS.indexOf(level) >= threshold) {
      write(`${JSON.stringify({ time: new Date().toISOString(), level, service, message, ...fields })}\n`);
    }
  };
}

/** What went wrong, in a line; the addresses of databases, which carry passwords, never stand in these messages. */
export function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join("; ");
  return error instanceof Error ? error.message || error.name : String(error);
}
