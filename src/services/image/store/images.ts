import { isDuplicate, type Db } from '../../../platform/db/database.ts'
import type { ImageSchema } from './tables.ts'

export type ImageDb = Db<ImageSchema>
export type ImageRow = ImageSchema['images']
export type MemberRow = ImageSchema['members']
export type LocationRow = ImageSchema['locations']

/** An image with what hangs on it. */
export interface Image extends ImageRow {
  properties: Record<string, string>
  tags: string[]
  /** Those that hold data, in their order. */
  locations: LocationRow[]
}

export async function findImage(db: ImageDb, id: string): Promise<Image | undefined> {
  const row = await db
    .selectFrom('images')
    .selectAll()
    .where('id', '=', id)
    .where('status', 'not in', ['deleted', 'pending_delete'])
    .executeTakeFirst()
  return row && (await complete(db, [row]))[0]
}

/** Adds properties, tags and locations: three queries for any number of images. */
export async function complete(db: ImageDb, rows: readonly ImageRow[]): Promise<Image[]> {
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.id)
  const byImage = <T extends { image_id: string }>(list: T[]) => Map.groupBy(list, (row) => row.image_id)
  const [properties, tags, locations] = await Promise.all([
    db.selectFrom('properties').selectAll().where('image_id', 'in', ids).execute().then(byImage),
    db.selectFrom('tags').selectAll().where('image_id', 'in', ids).execute().then(byImage),
    db
      .selectFrom('locations')
      .selectAll()
      .where('image_id', 'in', ids)
      .where('status', '=', 'active')
      .orderBy('position')
      .execute()
      .then(byImage),
  ])
  return rows.map((row) => ({
    ...row,
    properties: Object.fromEntries((properties.get(row.id) ?? []).map((each) => [each.name, each.value])),
    tags: (tags.get(row.id) ?? []).map((each) => each.tag).sort(),
    locations: locations.get(row.id) ?? [],
  }))
}

/** False when the id was given before, even to an image that is deleted or purged now. */
export async function insertImage(db: ImageDb, image: Image): Promise<boolean> {
  const { properties, tags, locations: _none, ...row } = image
  const used = await db.selectFrom('used_image_ids').select('id').where('id', '=', row.id).executeTakeFirst()
  if (used) return false
  try {
    await db.insertInto('images').values(row).execute()
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
  await replaceProperties(db, row.id, properties)
  await replaceTags(db, row.id, tags)
  return true
}

export async function replaceProperties(db: ImageDb, id: string, properties: Readonly<Record<string, string>>) {
  await db.deleteFrom('properties').where('image_id', '=', id).execute()
  const rows = Object.entries(properties).map(([name, value]) => ({ image_id: id, name, value }))
  if (rows.length > 0) await db.insertInto('properties').values(rows).execute()
}

/** Sets some properties; `null` removes one. Others stay as they are. */
export async function setProperties(db: ImageDb, id: string, changes: Readonly<Record<string, string | null>>) {
  const names = Object.keys(changes)
  if (names.length === 0) return
  await db.deleteFrom('properties').where('image_id', '=', id).where('name', 'in', names).execute()
  const rows = Object.entries(changes).flatMap(([name, value]) =>
    value === null ? [] : [{ image_id: id, name, value }],
  )
  if (rows.length > 0) await db.insertInto('properties').values(rows).execute()
}

/** Sets a property that nobody has set; false when it is there already. The lock of imports is made of this. */
export async function insertProperty(db: ImageDb, id: string, name: string, value: string): Promise<boolean> {
  try {
    await db.insertInto('properties').values({ image_id: id, name, value }).execute()
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

export async function replaceTags(db: ImageDb, id: string, tags: readonly string[]) {
  await db.deleteFrom('tags').where('image_id', '=', id).execute()
  const rows = [...new Set(tags)].map((tag) => ({ image_id: id, tag }))
  if (rows.length > 0) await db.insertInto('tags').values(rows).execute()
}

/** Changes an image while it has one of `statuses`, and is `worker`'s where one is named; false when it has not. */
export async function updateImage(
  db: ImageDb,
  id: string,
  statuses: readonly ImageRow['status'][],
  changes: Partial<ImageRow>,
  worker?: string,
): Promise<boolean> {
  const result = await db
    .updateTable('images')
    .set({ ...changes, updated_at: Date.now() })
    .where('id', '=', id)
    .where('status', 'in', [...statuses])
    .$if(worker !== undefined, (query) => query.where('worker', '=', worker!))
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Sets columns of an image that tell how far work on it is: it counts as no change of the image. */
export async function setProgress(
  db: ImageDb,
  id: string,
  changes: Partial<Pick<ImageRow, 'size' | 'staged_size' | 'reserved' | 'disk_format' | 'container_format'>>,
): Promise<void> {
  await db.updateTable('images').set(changes).where('id', '=', id).execute()
}

/** The formats that the source of an import names. */
export async function setFormatsOfImport(
  db: ImageDb,
  id: string,
  formats: Pick<ImageRow, 'disk_format' | 'container_format'>,
): Promise<void> {
  await db.updateTable('images').set(formats).where('id', '=', id).where('status', '=', 'importing').execute()
}

/** Whether an image is there, though its deletion may wait for its data. */
export async function hasImage(db: ImageDb, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('images')
    .select('id')
    .where('id', '=', id)
    .where('status', '!=', 'deleted')
    .executeTakeFirst()
  return row !== undefined
}

/** Whether what `worker` has taken in of an image is its own to remove: another may have taken the work over. */
export async function mayTakeBack(db: ImageDb, id: string, worker: string): Promise<boolean> {
  const row = await db.selectFrom('images').select(['worker', 'status']).where('id', '=', id).executeTakeFirst()
  return row === undefined || row.worker === worker || ['deleted', 'pending_delete'].includes(row.status)
}
