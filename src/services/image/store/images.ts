import { sql } from 'kysely'
import { isDuplicate, type Db } from '../../../platform/db/database.ts'
import type { ImageSchema } from './tables.ts'

export type ImageDb = Db<ImageSchema>
export type ImageRow = ImageSchema['images']
export type MemberRow = ImageSchema['members']

/** An image with what hangs on it. */
export interface Image extends ImageRow {
  properties: Record<string, string>
  tags: string[]
}

export interface ListRequest {
  /** Whose list it is; null for an administrator's. */
  projectId: string | null
  visibility: string | undefined
  memberStatus: string
  isHidden: boolean
  /** Equality by column; several values mean any of them. */
  equals: readonly { column: keyof ImageRow; values: readonly (string | number)[] }[]
  compare: readonly {
    column: 'created_at' | 'updated_at' | 'size'
    operator: '<' | '<=' | '>' | '>=' | '=' | '!='
    value: number
  }[]
  properties: readonly { name: string; value: string }[]
  tags: readonly string[]
  sort: readonly { column: keyof ImageRow; direction: 'asc' | 'desc' }[]
  marker: ImageRow | undefined
  limit: number
}

export async function findImage(db: ImageDb, id: string): Promise<Image | undefined> {
  const row = await db
    .selectFrom('images')
    .selectAll()
    .where('id', '=', id)
    .where('status', '!=', 'deleted')
    .executeTakeFirst()
  return row && (await complete(db, [row]))[0]
}

/** Adds properties and tags: two queries for any number of images. */
async function complete(db: ImageDb, rows: readonly ImageRow[]): Promise<Image[]> {
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.id)
  const properties = Map.groupBy(
    await db.selectFrom('properties').selectAll().where('image_id', 'in', ids).execute(),
    (row) => row.image_id,
  )
  const tags = Map.groupBy(
    await db.selectFrom('tags').selectAll().where('image_id', 'in', ids).execute(),
    (row) => row.image_id,
  )
  return rows.map((row) => ({
    ...row,
    properties: Object.fromEntries((properties.get(row.id) ?? []).map((each) => [each.name, each.value])),
    tags: (tags.get(row.id) ?? []).map((each) => each.tag).sort(),
  }))
}

/** One page of the images that a project sees. */
export async function listImages(db: ImageDb, ask: ListRequest): Promise<Image[]> {
  let query = db
    .selectFrom('images')
    .selectAll()
    .where('status', '!=', 'deleted')
    .where('is_hidden', '=', ask.isHidden ? 1 : 0)
  const { projectId, visibility } = ask
  const memberOf = db
    .selectFrom('members')
    .select('image_id')
    .where('member_id', '=', projectId ?? '')
  const accepted =
    ask.memberStatus === 'all' ? memberOf : memberOf.where('status', '=', ask.memberStatus as MemberRow['status'])
  if (visibility !== undefined && visibility !== 'all')
    query = query.where('visibility', '=', visibility as ImageRow['visibility'])
  if (projectId !== null) {
    query = query.where(({ or, and, eb }) =>
      or([
        eb('owner', '=', projectId),
        eb('visibility', '=', 'public'),
        ...(visibility === 'community' || visibility === 'all' ? [eb('visibility', '=', 'community')] : []),
        and([eb('visibility', '=', 'shared'), eb('id', 'in', accepted)]),
      ]),
    )
  } else if (visibility === undefined)
    query = query.where(({ or, eb }) => or([eb('visibility', '!=', 'community'), eb('owner', '!=', '')]))
  for (const { column, values } of ask.equals) query = query.where(column, 'in', values as never)
  for (const { column, operator, value } of ask.compare) query = query.where(column, operator, value)
  for (const { name, value } of ask.properties) {
    query = query.where(
      'id',
      'in',
      db.selectFrom('properties').select('image_id').where('name', '=', name).where('value', '=', value),
    )
  }
  for (const tag of ask.tags)
    query = query.where('id', 'in', db.selectFrom('tags').select('image_id').where('tag', '=', tag))
  if (ask.marker) query = query.where(after(ask.marker, ask.sort))
  for (const { column, direction } of ask.sort) query = query.orderBy(column, direction)
  return complete(db, await query.limit(ask.limit).execute())
}

/** `(a, b) > (x, y)` spelled out, since each key has its own direction. */
function after(marker: ImageRow, sort: ListRequest['sort']) {
  const parts = sort.map(({ column, direction }, index) => {
    const equal = sort.slice(0, index).map((key) => sql<boolean>`${sql.ref(key.column)} = ${marker[key.column]}`)
    const beyond =
      direction === 'asc'
        ? sql<boolean>`${sql.ref(column)} > ${marker[column]}`
        : sql<boolean>`${sql.ref(column)} < ${marker[column]}`
    return sql<boolean>`(${sql.join([...equal, beyond], sql` and `)})`
  })
  return sql<boolean>`(${sql.join(parts, sql` or `)})`
}

/** False when the id was given before, even to an image that is deleted now. */
export async function insertImage(db: ImageDb, { properties, tags, ...row }: Image): Promise<boolean> {
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

export async function replaceTags(db: ImageDb, id: string, tags: readonly string[]) {
  await db.deleteFrom('tags').where('image_id', '=', id).execute()
  const rows = [...new Set(tags)].map((tag) => ({ image_id: id, tag }))
  if (rows.length > 0) await db.insertInto('tags').values(rows).execute()
}

/** Changes an image while it has one of `statuses`; false when it has not. */
export async function updateImage(
  db: ImageDb,
  id: string,
  statuses: readonly ImageRow['status'][],
  changes: Partial<ImageRow>,
): Promise<boolean> {
  const result = await db
    .updateTable('images')
    .set({ ...changes, updated_at: Date.now() })
    .where('id', '=', id)
    .where('status', 'in', [...statuses])
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export const listMembers = (db: ImageDb, imageId: string): Promise<MemberRow[]> =>
  db.selectFrom('members').selectAll().where('image_id', '=', imageId).orderBy('created_at').execute()

export const findMember = (db: ImageDb, imageId: string, memberId: string): Promise<MemberRow | undefined> =>
  db
    .selectFrom('members')
    .selectAll()
    .where('image_id', '=', imageId)
    .where('member_id', '=', memberId)
    .executeTakeFirst()
