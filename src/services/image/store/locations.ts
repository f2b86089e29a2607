import { randomUUID } from 'node:crypto'
import type { ImageDb, LocationRow } from './images.ts'
import type { LocationStatus } from './tables.ts'

export interface NewLocation {
  imageId: string
  store: string
  url: string
  metadata?: object
  status: LocationStatus
  /** Place among the image's locations; behind the last one unless told. */
  position?: number
}

export async function insertLocation(db: ImageDb, location: NewLocation): Promise<string> {
  const id = randomUUID()
  const { count } = await db
    .selectFrom('locations')
    .select(({ fn }) => fn.max('position').as('count'))
    .where('image_id', '=', location.imageId)
    .executeTakeFirstOrThrow()
  await db
    .insertInto('locations')
    .values({
      id,
      image_id: location.imageId,
      store: location.store,
      url: location.url,
      metadata: JSON.stringify(location.metadata ?? {}),
      status: location.status,
      position: location.position ?? (count === null ? 0 : Number(count) + 1),
      changed_at: Date.now(),
    })
    .execute()
  return id
}

export const listLocations = (db: ImageDb, imageId: string): Promise<LocationRow[]> =>
  db.selectFrom('locations').selectAll().where('image_id', '=', imageId).orderBy('position').execute()

export const listLocationsIn = (db: ImageDb, status: LocationStatus): Promise<LocationRow[]> =>
  db.selectFrom('locations').selectAll().where('status', '=', status).execute()

/** Locations of an image whose data has to go: of deleted ones, and of uploads that may have been cut. */
export const listRemovable = (db: ImageDb, imageId: string): Promise<LocationRow[]> =>
  db
    .selectFrom('locations')
    .selectAll()
    .where('image_id', '=', imageId)
    .where('status', 'in', ['pending_delete', 'writing'])
    .execute()

export async function hasLocations(db: ImageDb, imageId: string): Promise<boolean> {
  const row = await db.selectFrom('locations').select('id').where('image_id', '=', imageId).executeTakeFirst()
  return row !== undefined
}

/** Images that have a location in a store. */
export async function imagesInStore(db: ImageDb, store: string): Promise<Set<string>> {
  const rows = await db.selectFrom('locations').select('image_id').where('store', '=', store).execute()
  return new Set(rows.map((row) => row.image_id))
}

export const setLocation = (db: ImageDb, id: string, changes: Partial<LocationRow>) =>
  db
    .updateTable('locations')
    .set({ ...changes, changed_at: Date.now() })
    .where('id', '=', id)
    .execute()

export const deleteLocation = (db: ImageDb, id: string) => db.deleteFrom('locations').where('id', '=', id).execute()

/**
 * A queued image that gets data now: what a failed attempt has left is no longer its place. Nor is it to be removed from
 * `store`, to which the data goes at once: it has the same name there.
 */
export const forgetLocations = (db: ImageDb, imageId: string, store?: string) =>
  db
    .deleteFrom('locations')
    .where('image_id', '=', imageId)
    .where(({ or, eb }) => or([eb('status', '=', 'active'), ...(store === undefined ? [] : [eb('store', '=', store)])]))
    .execute()
