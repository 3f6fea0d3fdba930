// One-shot: bring the database's schema up to date. Every file of migrations/ runs once, in the order of the names.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeLog, openDatabase, reason, secret } from "@campaign/shared";
import type { Pool } from "pg";

const FOLDER = join(__dirname, "..", "migrations");
// Any number that nobody else locks: two migrations at once would run the same file twice.
const LOCK = 7_260_117;

/** The names of the files that were run now. All of them are committed, or none is. */
export async function migrate(database: Pool, folder: string): Promise<string[]> {
  const client = await database.connect();
  try {
    await client.query("begin");
    await client.query("select pg_advisory_xact_lock($1)", [LOCK]);
    await client.query(
      "create table if not exists schema_migrations (name text primary key, applied_at timestamptz not null default now())",
    );
    const { rows } = await client.query<{ name: string }>("select name from schema_migrations");
    const applied = new Set(rows.map((row) => row.name));
    const names = readdirSync(folder).filter((name) => name.endsWith(".sql") && !applied.has(name)).sort();
    for (const name of names) {
      await client.query(readFileSync(join(folder, name), "utf8"));
      await client.query("insert into schema_migrations (name) values ($1)", [name]);
    }
    await client.query("commit");
    return names;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

async function main(): Promise<void> {
  const log = makeLog("migrate", process.env.LOG_LEVEL);
  try {
    const database = openDatabase(secret(process.env, "DATABASE_URL"), log, 1);
    const names = await migrate(database, FOLDER);
    await database.end();
    log("info", "the schema is up to date", { applied: names });
  } catch (error) {
    log("error", "the schema could not be brought up to date", { error: reason(error) });
    process.exit(1);
  }
}

if (require.main === module) void main();
