import { behind, type SortKey } from '../../../platform/db/keyset.ts'
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
  sort: readonly SortKey<keyof ImageRow>[]
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
  if (ask.marker) query = query.where(behind(ask.sort, { ...ask.marker }))
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
