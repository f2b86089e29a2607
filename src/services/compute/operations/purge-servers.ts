import type { Database } from '../../../platform/db/database.ts'
import type { ComputeSchema } from '../store/tables.ts'
import { buryServer } from '../store/tombstones.ts'

/**
 * Removes servers that were deleted before a time, with their actions and their timeline, oldest first. What remains is
 * that they were deleted: the proof that lets a host remove what it still has of them. Those of which a host has not yet
 * said so stay. Returns how many.
 */
export function purgeServers(
  { transaction, engine }: Database<ComputeSchema>,
  before: number,
  most: number,
): Promise<number> {
  return transaction(async (tx) => {
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
  })
}
