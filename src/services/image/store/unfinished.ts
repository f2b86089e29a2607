/** What a process leaves that ends while it takes data in. */
import type { ImageDb, ImageRow } from './images.ts'

/** Images that get data now. */
export const listTakingIn = (db: ImageDb): Promise<ImageRow[]> =>
  db.selectFrom('images').selectAll().where('status', 'in', ['saving', 'uploading', 'importing']).execute()

/** Images that a saga works on. */
export async function imagesWithSagas(db: ImageDb): Promise<string[]> {
  const sagas = await db.selectFrom('sagas').select('resource_id').execute()
  return sagas.map((saga) => saga.resource_id)
}

/** Images that have data in the staging area. */
export async function imagesStaged(db: ImageDb): Promise<string[]> {
  const staged = await db.selectFrom('images').select('id').where('staged_size', 'is not', null).execute()
  return staged.map((row) => row.id)
}

/** Those of `ids` that are active. */
export async function activeAmong(db: ImageDb, ids: readonly string[]): Promise<string[]> {
  const rows = await db
    .selectFrom('images')
    .select('id')
    .where('id', 'in', ids)
    .where('status', '=', 'active')
    .execute()
  return rows.map(({ id }) => id)
}

/** Sets an image back to the one that waits for data, without the lock of its import; false when it got further meanwhile. */
export async function requeueImage(tx: ImageDb, image: ImageRow): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('images')
    .set({ status: 'queued', size: null, virtual_size: null, staged_size: null, reserved: 0, worker: null })
    .where('id', '=', image.id)
    .where('status', '=', image.status)
    .where('worker', image.worker === null ? 'is' : '=', image.worker)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return false
  await tx
    .deleteFrom('properties')
    .where('image_id', '=', image.id)
    .where('name', 'in', ['os_glance_import_task', 'os_glance_importing_to_stores'])
    .execute()
  return true
}
