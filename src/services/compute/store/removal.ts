/** The end of servers: until their guests are gone, and until their rows are. */
import type { Db, Engine } from '../../../platform/db/database.ts'
import type { ComputeSchema } from './tables.ts'
import { buryServer } from './tombstones.ts'

/** A host has to remove the guest. Without a compare: the revision of the database is what counts. */
export async function orderRemoval(db: Db<ComputeSchema>, id: string): Promise<void> {
  await db
    .updateTable('servers')
    .set((column) => ({ desired_power: 'absent', revision: column('revision', '+', 1) }))
    .where('id', '=', id)
    .execute()
}

/** Whether any work but its deletion is still under way. */
export async function hasOtherWork(db: Db<ComputeSchema>, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('sagas')
    .select('id')
    .where('resource_id', '=', id)
    .where('kind', '!=', 'delete-server')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Removes servers that were deleted before a time, with all that is kept of them but their tombstones, the oldest first
 * and at most so many. Those that a host may still have something of stay. Returns how many.
 */
export async function purgeDeleted(
  tx: Db<ComputeSchema>,
  engine: Engine,
  before: number,
  most: number,
): Promise<number> {
  const rows = await tx
    .selectFrom('servers')
    .select(['id', 'deleted_at'])
    .where('deleted_at', '<', before)
    .where('is_leftover', '=', 0)
    .where('id', 'not in', tx.selectFrom('sagas').select('resource_id'))
    .orderBy('deleted_at')
    .limit(most)
    .execute()
  for (const { id, deleted_at } of rows) {
    await buryServer(tx, engine, id, Number(deleted_at))
    for (const table of ['server_actions', 'console_tokens', 'config_drives', 'server_passwords'] as const)
      await tx.deleteFrom(table).where('server_id', '=', id).execute()
    await tx.deleteFrom('timeline').where('resource_id', '=', id).execute()
    await tx.deleteFrom('servers').where('id', '=', id).execute()
  }
  return rows.length
}
