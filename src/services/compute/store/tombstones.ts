import type { Db, Engine } from '../../../platform/db/database.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import type { ComputeSchema } from './tables.ts'

/** Call in the transaction that marks a server deleted: its row may be purged, this stays. */
export async function buryServer(db: Db<ComputeSchema>, engine: Engine, id: string, now: number): Promise<void> {
  await upsert(db, engine, 'deleted_servers', ['id'], { id, deleted_at: now })
}

/** Those of `ids` that were servers and are deleted. */
export async function listBuried(db: Db<ComputeSchema>, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db.selectFrom('deleted_servers').select('id').where('id', 'in', ids).execute()
  return new Set(rows.map(({ id }) => id))
}

/** Forgets servers deleted before `time`, unless a host has still to say that it has nothing of them. */
export async function forgetBuried(db: Db<ComputeSchema>, time: number): Promise<void> {
  await db
    .deleteFrom('deleted_servers')
    .where('deleted_at', '<', time)
    .where('id', 'not in', db.selectFrom('servers').select('id').where('is_leftover', '=', 1))
    .execute()
}
