import type { ExpressionBuilder, Kysely } from 'kysely'
import { isDuplicate } from '../../../platform/db/database.ts'
import { behind, type SortKey } from '../../../platform/db/keyset.ts'
import { isFollowed, noteWrite } from './journal.ts'
import type { NetworkDb, Row, Table } from './tables.ts'

export type { NetworkDb, Row, Table } from './tables.ts'
export interface Owned {
  id: string
  project_id: string
  revision: number
}
/** Tables of what belongs to a project. */
export type OwnedTable = {
  [T in Table]: Row<T> extends Owned ? T : never
}[Table]

// The tables differ only in their columns, which the signatures below check.
type Loose = Kysely<{ t: Record<string, unknown> }>
const loose = (db: NetworkDb) => db as unknown as Loose

type Where<T extends Table> = { [K in keyof Row<T>]?: Row<T>[K] | readonly Row<T>[K][] }

/** Rows that meet every condition; a list means any of its values. */
export async function listRows<T extends Table>(db: NetworkDb, table: T, where: Where<T> = {}): Promise<Row<T>[]> {
  const long = Object.entries<unknown>(where).find(([, value]) => Array.isArray(value) && value.length > valuesAtMost)
  if (long) return listInParts(db, table, where, long[0], long[1] as unknown[])
  let query = loose(db)
    .selectFrom(table as 't')
    .selectAll()
  for (const [column, value] of Object.entries(where)) {
    if (value === undefined) continue
    if (Array.isArray(value) && value.length === 0) return []
    query = conditionOn(query, column, value)
  }
  for (const column of orders[table] ?? []) query = query.orderBy(column)
  return (await query.execute()) as Row<T>[]
}

/** Where the order is seen from outside: a port shows its addresses as neutron's model sorts them, on every engine. */
const orders: Readonly<Partial<Record<Table, readonly string[]>>> = { ip_allocations: ['ip', 'subnet_id'] }

/** Engines take only so many values in a statement. */
const valuesAtMost = 10_000

async function listInParts<T extends Table>(
  db: NetworkDb,
  table: T,
  where: Where<T>,
  column: string,
  values: readonly unknown[],
): Promise<Row<T>[]> {
  const rows: Row<T>[] = []
  for (let at = 0; at < values.length; at += valuesAtMost)
    rows.push(...(await listRows(db, table, { ...where, [column]: values.slice(at, at + valuesAtMost) })))
  return rows
}

const conditionOn = <Q extends { where(column: string, operator: 'in' | 'is' | '=', value: unknown): Q }>(
  query: Q,
  column: string,
  value: unknown,
): Q => query.where(column, Array.isArray(value) ? 'in' : value === null ? 'is' : '=', value)

/** At most these rows: any of the columns has its value, or the network is one of these. */
export interface Scope {
  readonly any: readonly (readonly [column: string, value: string | number])[]
  readonly networks?: { readonly projectId: string; readonly shared: boolean }
}

/** Part of a list: rows in the order of `keys`, behind one of them where `after` is given. */
export interface Part<T extends Table> {
  readonly keys: readonly SortKey[]
  readonly after: Row<T> | undefined
  readonly limit: number
}

/** As `listRows`, within a scope; one part of the list. */
export async function selectRows<T extends Table>(
  db: NetworkDb,
  table: T,
  where: Readonly<Record<string, readonly string[]>>,
  scope: Scope | undefined,
  { keys, after, limit }: Part<T>,
): Promise<Row<T>[]> {
  let query = loose(db)
    .selectFrom(table as 't')
    .selectAll()
  for (const [column, values] of Object.entries(where)) query = query.where(column, 'in', values)
  if (scope) query = query.where((eb) => eb.or(conditionsOf(eb as never, scope)))
  if (after) query = query.where(behind(keys, { ...after }))
  for (const { column, direction } of keys) query = query.orderBy(column, direction)
  query = query.limit(limit)
  return (await query.execute()) as Row<T>[]
}

function conditionsOf(
  eb: ExpressionBuilder<{ t: Record<string, string | number>; networks: Row<'networks'> }, 't'>,
  scope: Scope,
) {
  const own = scope.any.map(([column, value]) => eb(column, '=', value))
  const { networks } = scope
  if (!networks) return own
  const ids = eb
    .selectFrom('networks')
    .select('id')
    .where((inner) =>
      inner.or([
        inner('networks.project_id', '=', networks.projectId),
        ...(networks.shared ? [inner('networks.shared', '=', 1)] : []),
      ]),
    )
  return [...own, eb('network_id', 'in', ids)]
}

export async function findRow<T extends Table>(db: NetworkDb, table: T, where: Where<T>): Promise<Row<T> | undefined> {
  return (await listRows(db, table, where))[0]
}

/** False when a unique key exists already. */
export async function insertRow<T extends Table>(db: NetworkDb, table: T, row: Row<T>): Promise<boolean> {
  try {
    await loose(db)
      .insertInto(table as 't')
      .values(row as never)
      .execute()
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
  await noteWrite(db, table, undefined, row)
  return true
}

/** Changes an entity. */
export async function updateRow<T extends OwnedTable | 'agents'>(
  db: NetworkDb,
  table: T,
  id: string,
  changes: Partial<Row<T>>,
): Promise<void> {
  const before = isFollowed(table, Object.keys(changes)) ? await rowOf(db, table, id) : undefined
  await loose(db)
    .updateTable(table as 't')
    .set(changes as never)
    .where('id', '=', id)
    .execute()
  if (before) await noteWrite(db, table, before, { ...before, ...changes })
}

const rowOf = async <T extends Table>(db: NetworkDb, table: T, id: string): Promise<Row<T> | undefined> =>
  (await loose(db)
    .selectFrom(table as 't')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()) as Row<T> | undefined

export async function deleteRows<T extends Table>(db: NetworkDb, table: T, where: Where<T>): Promise<number> {
  const before = isFollowed(table) ? await listRows(db, table, where) : []
  let query = loose(db).deleteFrom(table as 't')
  for (const [column, value] of Object.entries(where)) {
    if (Array.isArray(value) && value.length === 0) return 0
    query = conditionOn(query, column, value)
  }
  const { numDeletedRows } = await query.executeTakeFirst()
  for (const row of before) await noteWrite(db, table, row, undefined)
  return Number(numDeletedRows)
}

/** Tables whose rows may have tags, and the collection that the tags are kept under. */
const tagged: Partial<Record<Table, string>> = {
  networks: 'networks',
  subnets: 'subnets',
  ports: 'ports',
  routers: 'routers',
  floating_ips: 'floatingips',
  security_groups: 'security-groups',
  subnet_pools: 'subnetpools',
}

/** Removes an entity with its tags. */
export async function deleteEntity(db: NetworkDb, table: Table, id: string): Promise<void> {
  const type = tagged[table]
  if (type !== undefined) await deleteRows(db, 'tags', { resource_type: type, resource_id: id })
  const before = isFollowed(table) ? await rowOf(db, table, id) : undefined
  await loose(db)
    .deleteFrom(table as 't')
    .where('id', '=', id)
    .execute()
  if (before) await noteWrite(db, table, before, undefined)
}

/** Columns of a new entity. */
export const newEntity = (projectId: string, input: { name?: unknown; description?: unknown }) => {
  const now = Date.now()
  return {
    id: crypto.randomUUID() as string,
    project_id: projectId,
    name: (input.name as string | undefined) ?? '',
    description: (input.description as string | undefined) ?? '',
    created_at: now,
    updated_at: now,
    revision: 1,
  }
}

/** Columns that every change sets. */
export const touched = (row: { revision: number }) => ({ updated_at: Date.now(), revision: Number(row.revision) + 1 })

/** Raises the revision of an entity whose surroundings changed: its tags, its rules. */
export const touch = (db: NetworkDb, table: OwnedTable, row: { id: string; revision: number }): Promise<void> =>
  updateRow(db, table, row.id, touched(row) as never)

export const parseList = <T>(text: string): T[] => JSON.parse(text) as T[]
