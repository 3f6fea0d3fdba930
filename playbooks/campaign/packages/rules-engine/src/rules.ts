// The rule: a visit belongs to every campaign that is active at that moment and has the visit's place in its circle.
import type { Pool } from "pg";

export interface Match {
  readonly campaign: string;
  readonly visit: number;
}

const BATCH = 200;

/**
 * Look at the visits that nobody has looked at, a batch at most, and return what they matched and whether more wait.
 * Another engine that works at the same time takes other visits.
 */
export async function evaluate(database: Pool): Promise<{ matches: Match[]; more: boolean }> {
  const client = await database.connect();
  try {
    await client.query("begin");
    const taken = await client.query<{ id: string }>(
      "select id from visits where evaluated_at is null order by id limit $1 for update skip locked",
      [BATCH],
    );
    const ids = taken.rows.map((row) => row.id);
    const found = await client.query<Match>(
      `insert into matches (campaign_id, visit_id, distance_m)
       select c.id, v.id, ST_Distance(c.place, v.place)
       from visits v join campaigns c on ST_DWithin(c.place, v.place, c.radius_m)
       where v.id = any($1) and c.starts_at <= v.happened_at and v.happened_at < c.ends_at
       on conflict do nothing
       returning campaign_id as campaign, visit_id::int as visit`,
      [ids],
    );
    await client.query("update visits set evaluated_at = now() where id = any($1)", [ids]);
    await client.query("commit");
    return { matches: found.rows, more: ids.length === BATCH };
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}
