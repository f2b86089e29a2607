/**
 * Users and groups of a directory as rows of their own, so that assignments, listings and tokens need not know where
 * somebody lives. Rows follow the directory; ids are kept in `id_mappings` for ever.
 */
import { isCalled, keyOf, withKey, keyedRows } from './names.ts'
import { newUser } from './new-rows.ts'
import { deleteRows, insertRow, listRows, updateRow, type IdentityDb, type Row, type Where } from './rows.ts'

export interface MirrorTarget {
  domainId: string
  /** The public id of a new entity. */
  idOf(localId: string): string
}

type Kind = 'user' | 'group'

export interface MirroredUser {
  localId: string
  name: string
  enabled: boolean
  defaultProjectId: string | null
  extra: Readonly<Record<string, string>>
}

export interface MirroredGroup {
  localId: string
  name: string
  description: string
  extra: Readonly<Record<string, string>>
}

export interface Mirrored {
  /** By local id. */
  ids: ReadonlyMap<string, string>
  /** Something that tokens or listings show is different now. */
  isChanged: boolean
}

const atOnce = 500
const longestLocalId = 255
const longest = { user: 255, group: 64 } as const

function* parts<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += atOnce) yield items.slice(at, at + atOnce)
}

export const findMapping = (db: IdentityDb, publicId: string): Promise<Row<'id_mappings'> | undefined> =>
  db.selectFrom('id_mappings').selectAll().where('public_id', '=', publicId).executeTakeFirst()

/** The public ids of local ones, made where there are none; and which of them were known before. */
async function publicIds(tx: IdentityDb, kind: Kind, { domainId, idOf }: MirrorTarget, localIds: readonly string[]) {
  const ids = new Map<string, string>()
  const ofDomain = tx
    .selectFrom('id_mappings')
    .select(['local_id', 'public_id'])
    .where('domain_id', '=', domainId)
    .where('entity_type', '=', kind)
  for (const part of parts(localIds))
    for (const row of await ofDomain.where('local_id', 'in', part).execute()) ids.set(row.local_id, row.public_id)
  const known = new Set(ids.values())
  const missing = localIds.filter((id) => !ids.has(id))
  for (const part of parts(missing)) {
    const rows = part.map((local_id) => ({
      public_id: idOf(local_id),
      domain_id: domainId,
      local_id,
      entity_type: kind,
    }))
    await tx.insertInto('id_mappings').values(rows).execute()
    for (const row of rows) ids.set(row.local_id, row.public_id)
  }
  return { ids, known }
}

type Named = { id: string; name: string }

/** Names that nobody else has: directories may give two entries the same, of which the first by id keeps it. */
async function uniqueNames(
  tx: IdentityDb,
  table: 'users' | 'groups',
  domainId: string,
  wanted: readonly (Named & { localId: string })[],
): Promise<Map<string, string>> {
  const limit = longest[table === 'users' ? 'user' : 'group']
  const own = new Set(wanted.map((each) => each.id))
  const taken = new Set<string>()
  for (const part of parts(wanted.map((each) => keyOf(each.name.slice(0, limit))))) {
    const rows = await keyedRows(tx, table, domainId, part)
    for (const row of rows) if (!own.has(row.id)) taken.add(keyOf(row.name))
  }
  const names = new Map<string, string>()
  for (const { id, name } of wanted.toSorted((a, b) => (a.localId < b.localId ? -1 : 1))) {
    const plain = name.slice(0, limit)
    const free = taken.has(keyOf(plain)) ? `${name.slice(0, limit - 12)} (${id.slice(0, 8)})` : plain
    taken.add(keyOf(free))
    names.set(id, free)
  }
  return names
}

/** Writes rows: new ones, and those that differ. Names move through the id, so that two may change theirs. */
async function writeRows<T extends 'users' | 'groups'>(
  tx: IdentityDb,
  table: T,
  wanted: readonly (Named & Partial<Row<T>>)[],
  create: (row: Named & Partial<Row<T>>) => Row<T>,
): Promise<boolean> {
  const before = new Map<string, Row<T>>()
  for (const part of parts(wanted.map((row) => row.id)))
    for (const row of await listRows(tx, table, { id: part } as Where<T>)) before.set((row as Named).id, row)
  const differs = (row: Named & Partial<Row<T>>) => {
    const old = before.get(row.id) as Record<string, unknown> | undefined
    return old !== undefined && Object.entries(row).some(([column, value]) => old[column] !== value)
  }
  const changed = wanted.filter(differs)
  const renamed = changed.filter((row) => (before.get(row.id) as Named | undefined)?.name !== row.name)
  if (renamed.length > 1) for (const row of renamed) await updateRow(tx, table, row.id, { name: row.id } as never)
  for (const { id, ...columns } of changed) await updateRow(tx, table, id, columns as never)
  const added = wanted.filter((row) => !before.has(row.id))
  for (const part of parts(added))
    await tx
      .insertInto(table)
      .values(part.map((row) => withKey(table, create(row))) as never)
      .execute()
  return changed.length + added.length > 0
}

/** Which entities of a directory were asked for: what is not among the found ones is gone. */
export type Among = 'all' | 'some' | { named: string }

/** Rows of the domain's directory that are no longer there; their ids and assignments stay for their return. */
async function removeOthers(
  tx: IdentityDb,
  kind: Kind,
  domainId: string,
  among: Among,
  kept: ReadonlySet<string>,
): Promise<boolean> {
  if (among === 'some') return false
  const table = kind === 'user' ? 'users' : 'groups'
  const rows =
    among === 'all'
      ? await tx
          .selectFrom('id_mappings')
          .select('public_id as id')
          .where('domain_id', '=', domainId)
          .where('entity_type', '=', kind)
          .where('public_id', 'in', tx.selectFrom(table).select('id').where('domain_id', '=', domainId))
          .execute()
      : await tx
          .selectFrom(table)
          .select(`${table}.id`)
          .innerJoin('id_mappings', 'public_id', `${table}.id`)
          .where(`${table}.domain_id`, '=', domainId)
          .where(isCalled(table, among.named))
          .execute()
  const gone = rows.map((row) => row.id).filter((id) => !kept.has(id))
  for (const id of gone) await removeMirrored(tx, kind, id)
  return gone.length > 0
}

export async function removeMirrored(tx: IdentityDb, kind: Kind, id: string): Promise<void> {
  await deleteRows(tx, 'memberships', kind === 'user' ? { user_id: id } : { group_id: id })
  await deleteRows(tx, kind === 'user' ? 'users' : 'groups', { id })
}

const isKeepable = ({ localId }: { localId: string }) => localId !== '' && localId.length <= longestLocalId

/** Brings users up to date. */
export async function mirrorUsers(
  tx: IdentityDb,
  target: MirrorTarget,
  found: readonly MirroredUser[],
  among: Among = 'some',
): Promise<Mirrored> {
  const users = distinct(found.filter(isKeepable))
  const { ids, known } = await publicIds(tx, 'user', target, [...users.keys()])
  const hasGone = await removeOthers(tx, 'user', target.domainId, among, new Set(ids.values()))
  const listed = [...users.values()].map((user) => ({ ...user, id: ids.get(user.localId)! }))
  const names = await uniqueNames(tx, 'users', target.domainId, listed)
  const disabled = await tokensEndFor(tx, listed)
  const rows = listed.map(({ id, enabled, defaultProjectId, extra }) => ({
    id,
    name: names.get(id)!,
    domain_id: target.domainId,
    enabled: enabled ? 1 : 0,
    default_project_id: defaultProjectId,
    extra: JSON.stringify(extra),
    ...(disabled.has(id) && { tokens_valid_after: Date.now() }),
  }))
  const isWritten = await writeRows(tx, 'users', rows, (row) =>
    // Who was gone for a while does not bring back the tokens that he had (A7).
    newUser({
      ...row,
      domain_id: target.domainId,
      tokens_valid_after: known.has(row.id) ? Date.now() : 0,
    }),
  )
  return { ids, isChanged: isWritten || hasGone }
}

/** Users who were enabled and are not any more: their tokens end for good. */
async function tokensEndFor(tx: IdentityDb, users: readonly { id: string; enabled: boolean }[]): Promise<Set<string>> {
  const ended = new Set<string>()
  for (const part of parts(users.filter((user) => !user.enabled).map((user) => user.id))) {
    const rows = await tx.selectFrom('users').select('id').where('id', 'in', part).where('enabled', '=', 1).execute()
    for (const row of rows) ended.add(row.id)
  }
  return ended
}

export async function mirrorGroups(
  tx: IdentityDb,
  target: MirrorTarget,
  found: readonly MirroredGroup[],
  among: Among = 'some',
): Promise<Mirrored> {
  const groups = distinct(found.filter(isKeepable))
  const { ids } = await publicIds(tx, 'group', target, [...groups.keys()])
  const hasGone = await removeOthers(tx, 'group', target.domainId, among, new Set(ids.values()))
  const listed = [...groups.values()].map((group) => ({ ...group, id: ids.get(group.localId)! }))
  const names = await uniqueNames(tx, 'groups', target.domainId, listed)
  const rows = listed.map(({ id, description, extra }) => ({
    id,
    name: names.get(id)!,
    domain_id: target.domainId,
    description,
    extra: JSON.stringify(extra),
  }))
  const isWritten = await writeRows(tx, 'groups', rows, (row) => row as Row<'groups'>)
  return { ids, isChanged: isWritten || hasGone }
}

const distinct = <T extends { localId: string }>(items: readonly T[]) =>
  new Map(items.map((item) => [item.localId, item]))

/** Makes the memberships of one user, or of one group, those that are given; true when any is different. */
export async function replaceMemberships(
  tx: IdentityDb,
  of: { user_id: string } | { group_id: string },
  others: readonly string[],
): Promise<boolean> {
  const [mine, theirs] = 'user_id' in of ? (['user_id', 'group_id'] as const) : (['group_id', 'user_id'] as const)
  const id = 'user_id' in of ? of.user_id : of.group_id
  const held = await tx.selectFrom('memberships').select(theirs).where(mine, '=', id).execute()
  const before = new Set(held.map((row) => (row as Record<string, string>)[theirs]!))
  const wanted = new Set(others)
  const row = (other: string) => ({ [mine]: id, [theirs]: other }) as { user_id: string; group_id: string }
  for (const other of before) if (!wanted.has(other)) await deleteRows(tx, 'memberships', row(other))
  for (const other of wanted) if (!before.has(other)) await insertRow(tx, 'memberships', row(other))
  return before.size !== wanted.size || [...wanted].some((other) => !before.has(other))
}

export interface MappingFilter {
  domainId?: string
  publicId?: string
  localId?: string
  kind?: Kind
}

export function listMappings(db: IdentityDb, filter: MappingFilter): Promise<Row<'id_mappings'>[]> {
  let query = db.selectFrom('id_mappings').selectAll()
  if (filter.domainId !== undefined) query = query.where('domain_id', '=', filter.domainId)
  if (filter.publicId !== undefined) query = query.where('public_id', '=', filter.publicId)
  if (filter.localId !== undefined) query = query.where('local_id', '=', filter.localId)
  if (filter.kind !== undefined) query = query.where('entity_type', '=', filter.kind)
  return query.execute()
}

/** Removes mappings and the rows of those they are about; how many there were. */
export async function removeMappings(tx: IdentityDb, filter: MappingFilter): Promise<number> {
  const mappings = await listMappings(tx, filter)
  for (const { public_id: id, entity_type: kind } of mappings) {
    await removeMirrored(tx, kind, id)
    await tx.deleteFrom('id_mappings').where('public_id', '=', id).execute()
  }
  return mappings.length
}
