/** Removing data: the database says first that it has to go, so that a crash only delays it. */
import type { ImageDeps } from '../deps.ts'
import type { ImageRow } from '../store/images.ts'
import { deleteLocation, listLocationsIn } from '../store/locations.ts'

/** Removes what `pending_delete` and `writing` locations of an image name. What fails is left to the next try. */
export async function removeData(deps: Pick<ImageDeps, 'database' | 'stores' | 'log'>, imageId: string): Promise<void> {
  const { database, stores, log } = deps
  const rows = await database.db
    .selectFrom('locations')
    .selectAll()
    .where('image_id', '=', imageId)
    .where('status', 'in', ['pending_delete', 'writing'])
    .execute()
  for (const row of rows) {
    const store = stores.get(row.store)
    try {
      if (!store) throw new Error(`there is no store '${row.store}'`)
      await store.remove({ imageId, url: row.url })
      await deleteLocation(database.db, row.id)
    } catch (error) {
      log.warn({ err: error, image: imageId, store: row.store }, 'the data of a deleted image could not be removed')
    }
  }
}

/**
 * What processes that are no more did not finish. What somebody alive works on is his: an image names the process that
 * takes its data in, and one with a saga is the saga's.
 */
export async function cleanUp(deps: ImageDeps): Promise<void> {
  const { db } = deps.database
  // Files before rows, data before images, images before sagas: what begins in between is then seen as somebody's.
  const files = await deps.staging.list()
  const writing = await listLocationsIn(db, 'writing')
  const cut = await db
    .selectFrom('images')
    .selectAll()
    .where('status', 'in', ['saving', 'uploading', 'importing'])
    .execute()
  const sagas = await db.selectFrom('sagas').select('resource_id').execute()
  const kept = new Set(sagas.map((saga) => saga.resource_id))
  for (const image of cut) {
    if (image.worker !== null && (await deps.leases.isAlive(image.worker))) kept.add(image.id)
    else if (!kept.has(image.id)) await requeue(deps, image)
  }
  const doomed = deps.config.delayedDelete ? [] : await listLocationsIn(db, 'pending_delete')
  const ids = new Set([...writing, ...doomed].map((row) => row.image_id))
  for (const id of ids) if (!kept.has(id)) await removeData(deps, id)
  await removeOrphans(deps, kept)
  const staged = await db.selectFrom('images').select('id').where('staged_size', 'is not', null).execute()
  const needed = new Set([...kept, ...staged.map((row) => row.id)])
  await removeStaged(
    deps,
    files.filter((id) => !needed.has(id)),
  )
}

async function requeue({ database, staging }: ImageDeps, image: ImageRow) {
  if (image.status === 'uploading' && image.staged_size !== null) return
  const isOurs = await database.transaction(async (tx) => {
    const requeued = await tx
      .updateTable('images')
      .set({ status: 'queued', size: null, virtual_size: null, staged_size: null, reserved: 0, worker: null })
      .where('id', '=', image.id)
      // Whoever got further meanwhile is not set back.
      .where('status', '=', image.status)
      .where('worker', image.worker === null ? 'is' : '=', image.worker)
      .executeTakeFirst()
    if (requeued.numUpdatedRows === 0n) return false
    await tx
      .deleteFrom('properties')
      .where('image_id', '=', image.id)
      .where('name', 'in', ['os_glance_import_task', 'os_glance_importing_to_stores'])
      .execute()
    return true
  })
  if (isOurs) await staging.remove({ imageId: image.id })
}

/**
 * Files of our own stores that no location names. Only those of images that are known to be deleted go: a database that
 * was restored from an earlier moment does not know what was uploaded since.
 */
async function removeOrphans({ database, stores, log }: ImageDeps, kept: ReadonlySet<string>) {
  for (const store of stores.all()) {
    if (!store.list) continue
    const there = await store.list()
    const rows = await database.db.selectFrom('locations').select('image_id').where('store', '=', store.id).execute()
    const known = new Set(rows.map((row) => row.image_id))
    const orphans = there.filter((id) => !known.has(id) && !kept.has(id))
    const deleted = await deletedAmong(database.db, orphans)
    for (const id of orphans) {
      if (deleted.has(id)) {
        log.warn({ image: id, store: store.id }, 'removing the data of a deleted image')
        await store.remove({ imageId: id, url: '' })
      } else log.warn({ image: id, store: store.id }, 'there are data that no image of the database has; they are kept')
    }
  }
}

/** Data that were staged for an import: needless once the image has its own or is deleted. */
async function removeStaged({ database, staging, log }: ImageDeps, there: readonly string[]) {
  if (there.length === 0) return
  const imported = await database.db
    .selectFrom('images')
    .select('id')
    .where('id', 'in', there)
    .where('status', '=', 'active')
    .execute()
  const removable = new Set([...(await deletedAmong(database.db, there)), ...imported.map(({ id }) => id)])
  for (const id of there) {
    if (removable.has(id)) {
      log.info({ image: id }, 'removing staged data that nobody needs')
      await staging.remove({ imageId: id })
    } else log.warn({ image: id }, 'there are staged data that no import of the database waits for; they are kept')
  }
}

/** Those of `ids` that were images and are deleted; rows that were purged left their id. */
async function deletedAmong(db: ImageDeps['database']['db'], ids: readonly string[]): Promise<Set<string>> {
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
