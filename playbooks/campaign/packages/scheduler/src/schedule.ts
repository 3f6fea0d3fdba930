// When a campaign's status changes. The database's clock decides, so that every replica decides the same.
import type { Pool } from "pg";

export interface Change {
  readonly id: string;
  readonly status: string;
}

// Any number that nobody else locks.
const LOCK = 7_260_118;

/** Bring every campaign's status up to date; the changed ones. Only one scheduler works at a time, others return none. */
export async function bringUpToDate(database: Pool): Promise<Change[]> {
  const client = await database.connect();
  try {
    await client.query("begin");
    const lock = await client.query<{ mine: boolean }>("select pg_try_advisory_xact_lock($1) as mine", [LOCK]);
    const changed = lock.rows[0]?.mine
      ? await client.query<Change>(
          `update campaigns c set status = due.status
           from (select id, case when now() >= ends_at then 'ended' when now() >= starts_at then 'active'
                            else 'scheduled' end as status from campaigns where status <> 'ended') due
           where c.id = due.id and c.status <> due.status returning c.id, c.status`,
        )
      : { rows: [] };
    await client.query("commit");
    return changed.rows;
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}
