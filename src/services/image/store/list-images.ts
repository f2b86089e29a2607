import { sql } from 'kysely'
import { complete, type Image, type ImageDb, type ImageRow, type MemberRow } from './images.ts'

export interface ListRequest {
  /** The caller's project; '' when the token has none. */
  projectId: string
  /** Sees the images of all projects. */
  isAdmin: boolean
  visibility: string | undefined
  memberStatus: string
  isHidden: boolean
  /** Equality by column; several values mean any of them. */
  equals: readonly { column: keyof ImageRow; values: readonly (string | number)[] }[]
  compare: readonly {
    column: 'created_at' | 'updated_at' | 'size' | 'min_ram' | 'min_disk'
    operator: '<' | '<=' | '>' | '>=' | '=' | '!='
    value: number
  }[]
  properties: readonly { name: string; value: string }[]
  tags: readonly string[]
  sort: readonly { column: keyof ImageRow; direction: 'asc' | 'desc' }[]
  marker: ImageRow | undefined
  limit: number
}

/** One page of the images that a project sees. */
export async function listImages(db: ImageDb, ask: ListRequest): Promise<Image[]> {
  if (ask.limit === 0) return []
  let query = visibleTo(db, ask).where('is_hidden', '=', ask.isHidden ? 1 : 0)
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

/** Without a `visibility` filter community images of others are left out: they are found by those who look for them. */
function visibleTo(db: ImageDb, { projectId, isAdmin, visibility, memberStatus }: ListRequest) {
  let query = db.selectFrom('images').selectAll().where('status', 'not in', ['deleted', 'pending_delete', 'killed'])
  if (visibility === undefined)
    query = query.where(({ or, eb }) => or([eb('visibility', '!=', 'community'), eb('owner', '=', projectId)]))
  else if (visibility !== 'all') query = query.where('visibility', '=', visibility as ImageRow['visibility'])
  if (isAdmin) return query
  const memberships = db.selectFrom('members').select('image_id').where('member_id', '=', projectId)
  const wanted =
    memberStatus === 'all' ? memberships : memberships.where('status', '=', memberStatus as MemberRow['status'])
  return query.where(({ or, and, eb }) =>
    or([
      eb('visibility', 'in', ['public', 'community']),
      ...(projectId === '' ? [] : [eb('owner', '=', projectId)]),
      and([eb('visibility', '=', 'shared'), eb('id', 'in', wanted)]),
    ]),
  )
}

/** `(a, b) > (x, y)` spelled out, since each key has its own direction. Nulls come before everything, as both engines sort them. */
function after(marker: ImageRow, sort: ListRequest['sort']) {
  const parts = sort.map(({ column, direction }, index) => {
    const equal = sort.slice(0, index).map((key) => same(key.column, marker[key.column]))
    return sql<boolean>`(${sql.join([...equal, beyond(column, direction, marker[column])], sql` and `)})`
  })
  return sql<boolean>`(${sql.join(parts, sql` or `)})`
}

type Value = ImageRow[keyof ImageRow]

const same = (column: string, value: Value) =>
  value === null ? sql<boolean>`${sql.ref(column)} is null` : sql<boolean>`${sql.ref(column)} = ${value}`

function beyond(column: string, direction: 'asc' | 'desc', value: Value) {
  const name = sql.ref(column)
  if (direction === 'asc') return value === null ? sql<boolean>`${name} is not null` : sql<boolean>`${name} > ${value}`
  return value === null ? sql<boolean>`1 = 0` : sql<boolean>`(${name} < ${value} or ${name} is null)`
}
