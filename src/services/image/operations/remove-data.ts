/** Removing data: the database says first that it has to go, so that a crash only delays it. */
import type { ImageDeps } from '../deps.ts'
import { deletedAmong } from '../store/deleted-images.ts'
import type { ImageRow } from '../store/images.ts'
import { deleteLocation, imagesInStore, listLocationsIn, listRemovable } from '../store/locations.ts'
import { activeAmong, imagesStaged, imagesWithSagas, listTakingIn, requeueImage } from '../store/unfinished.ts'

/** Removes what `pending_delete` and `writing` locations of an image name. What fails is left to the next try. */
export async function removeData(deps: Pick<ImageDeps, 'database' | 'stores' | 'log'>, imageId: string): Promise<void> {
  const { database, stores, log } = deps
  for (const row of await listRemovable(database.db, imageId)) {
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
  const cut = await listTakingIn(db)
  const kept = new Set(await imagesWithSagas(db))
  for (const image of cut) {
    if (image.worker !== null && (await deps.leases.isAlive(image.worker))) kept.add(image.id)
    else if (!kept.has(image.id)) await requeue(deps, image)
  }
  const doomed = deps.config.delayedDelete ? [] : await listLocationsIn(db, 'pending_delete')
  const ids = new Set([...writing, ...doomed].map((row) => row.image_id))
  for (const id of ids) if (!kept.has(id)) await removeData(deps, id)
  await removeOrphans(deps, kept)
  const needed = new Set([...kept, ...(await imagesStaged(db))])
  await removeStaged(
    deps,
    files.filter((id) => !needed.has(id)),
  )
}

async function requeue({ database, staging }: ImageDeps, image: ImageRow) {
  if (image.status === 'uploading' && image.staged_size !== null) return
  // Whoever got further meanwhile is not set back.
  const isOurs = await database.transaction((tx) => requeueImage(tx, image))
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
    const known = await imagesInStore(database.db, store.id)
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
  const imported = await activeAmong(database.db, there)
  const removable = new Set([...(await deletedAmong(database.db, there)), ...imported])
  for (const id of there) {
    if (removable.has(id)) {
      log.info({ image: id }, 'removing staged data that nobody needs')
      await staging.remove({ imageId: id })
    } else log.warn({ image: id }, 'there are staged data that no import of the database waits for; they are kept')
  }
}
