import type { Db, Engine } from '../../../platform/db/database.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import type { ComputeSchema } from './tables.ts'

/** Call in the transaction that marks a server deleted: its row may be purged, this stays. */
export async function buryServer(db: Db<ComputeSchema>, engine: Engine, id: string, now: number): Promise<void> {
  await upsert(db, engine, 'deleted_servers', ['id'], { id, deleted_at: now })
}
