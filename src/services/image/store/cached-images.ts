/** What the cache has of images, and what it is to fetch. */
import type { Database } from '../../../platform/db/database.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import type { ImageDb } from './images.ts'
import type { ImageSchema } from './tables.ts'

type CachedImage = ImageSchema['cached_images']

export const findCached = (db: ImageDb, imageId: string): Promise<CachedImage | undefined> =>
  db.selectFrom('cached_images').selectAll().where('image_id', '=', imageId).executeTakeFirst()

export const listCached = (db: ImageDb): Promise<CachedImage[]> =>
  db.selectFrom('cached_images').selectAll().orderBy('last_modified').execute()

/** Counts that an image was read from the cache. */
export async function noteHit(db: ImageDb, { image_id, hits }: CachedImage, at: number): Promise<void> {
  await db
    .updateTable('cached_images')
    .set({ hits: Number(hits) + 1, last_accessed: at })
    .where('image_id', '=', image_id)
    .execute()
}

export const saveCached = ({ db, engine }: Database<ImageSchema>, row: CachedImage): Promise<void> =>
  upsert(db, engine, 'cached_images', ['image_id'], row)

export async function forgetCached(db: ImageDb, imageId: string): Promise<void> {
  await db.deleteFrom('cached_images').where('image_id', '=', imageId).execute()
}
