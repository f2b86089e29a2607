/** Delayed deletion: the data of deleted images goes when its time is over, or comes back before. */
import type { ImageDeps } from '../deps.ts'
import { removeData } from './remove-data.ts'

type ScrubDeps = Pick<ImageDeps, 'database' | 'stores' | 'log'>

/** Removes the data of images that were deleted before a time; returns how many are gone. */
export async function scrub(deps: ScrubDeps, before: number): Promise<number> {
  const { database } = deps
  const due = await database.db
    .selectFrom('images')
    .select('id')
    .where('status', '=', 'pending_delete')
    .where('deleted_at', '<=', before)
    .execute()
  let gone = 0
  for (const { id } of due) {
    await removeData(deps, id)
    const left = await database.db.selectFrom('locations').select('id').where('image_id', '=', id).executeTakeFirst()
    if (left) continue // a store that cannot be reached now: the next run tries again
    await database.db
      .updateTable('images')
      .set({ status: 'deleted' })
      .where('id', '=', id)
      .where('status', '=', 'pending_delete')
      .execute()
    gone++
  }
  return gone
}

/** Takes a deletion back; false where its data is gone or there was none. Properties, tags and members do not return. */
export function restore({ database }: Pick<ImageDeps, 'database'>, id: string): Promise<boolean> {
  return database.transaction(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('images')
      .set({ status: 'active', deleted_at: null, updated_at: Date.now() })
      .where('id', '=', id)
      .where('status', '=', 'pending_delete')
      .executeTakeFirst()
    if (numUpdatedRows !== 1n) return false
    await tx
      .updateTable('locations')
      .set({ status: 'active', changed_at: Date.now() })
      .where('image_id', '=', id)
      .where('status', '=', 'pending_delete')
      .execute()
    return true
  })
}
