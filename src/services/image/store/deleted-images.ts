/** The end of images: their rows stay for a time, their ids for ever. */
import { replaceProperties, replaceTags, type ImageDb } from './images.ts'

/** Marks an image as deleted, or to be deleted later with its data, whatever it was; nothing hangs on it any more. */
export async function markDeleted(tx: ImageDb, id: string, status: 'deleted' | 'pending_delete'): Promise<void> {
  const now = Date.now()
  await tx
    .updateTable('images')
    .set({ status, deleted_at: now, updated_at: now, staged_size: null, reserved: 0, worker: null })
    .where('id', '=', id)
    .where('status', 'not in', ['deleted', 'pending_delete'])
    .execute()
  await tx
    .updateTable('locations')
    .set({ status: 'pending_delete', changed_at: now })
    .where('image_id', '=', id)
    .where('status', '=', 'active')
    .execute()
  await replaceProperties(tx, id, {})
  await replaceTags(tx, id, [])
  await tx.deleteFrom('members').where('image_id', '=', id).execute()
}

/** Makes an image whose deletion is delayed active again, with its data; false where there is none. */
export async function restoreDeleted(tx: ImageDb, id: string): Promise<boolean> {
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
}

/** Images whose delayed deletion began up to a time. */
export async function listDelayedUntil(db: ImageDb, time: number): Promise<string[]> {
  const rows = await db
    .selectFrom('images')
    .select('id')
    .where('status', '=', 'pending_delete')
    .where('deleted_at', '<=', time)
    .execute()
  return rows.map(({ id }) => id)
}

/** The data of a delayed deletion is gone. */
export async function endDelayed(db: ImageDb, id: string): Promise<void> {
  await db
    .updateTable('images')
    .set({ status: 'deleted' })
    .where('id', '=', id)
    .where('status', '=', 'pending_delete')
    .execute()
}

/** Those of `ids` that were images and are deleted; rows that were purged left their id. */
export async function deletedAmong(db: ImageDb, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db
    .selectFrom('images')
    .select('id')
    .where('id', 'in', ids)
    .where('status', '=', 'deleted')
    .execute()
  const purged = await db.selectFrom('used_image_ids').select('id').where('id', 'in', ids).execute()
  return new Set([...rows, ...purged].map(({ id }) => id))
}

/** Removes the rows of images that were deleted before a time, the oldest first; their ids stay used. How many. */
export async function purgeDeleted(tx: ImageDb, before: number, most: number): Promise<number> {
  const rows = await tx
    .selectFrom('images')
    .select('id')
    .where('status', '=', 'deleted')
    .where('deleted_at', '<', before)
    .orderBy('deleted_at')
    .limit(most)
    .execute()
  for (const { id } of rows) {
    const known = await tx.selectFrom('used_image_ids').select('id').where('id', '=', id).executeTakeFirst()
    if (!known) await tx.insertInto('used_image_ids').values({ id }).execute()
    await tx.deleteFrom('images').where('id', '=', id).execute()
  }
  return rows.length
}
