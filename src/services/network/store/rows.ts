import type { Kysely, Selectable } from 'kysely'
import { isDuplicate, type Db } from '../../../platform/db/database.ts'
import type { NetworkSchema } from './tables.ts'

export type NetworkDb = Db<NetworkSchema>
export type Table = Exclude<keyof NetworkSchema, 'timeline'>
export type Row<T extends Table> = Selectable<NetworkSchema[T]>

// The tables differ only in their columns, which the signatures below check.
type Loose = Kysely<{ t: Record<string, unknown> }>
const loose = (db: NetworkDb) => db as unknown as Loose

type Where<T extends Table> = { [K in keyof Row<T>]?: Row<T>[K] | readonly Row<T>[K][] }

/** Rows that meet every condition; a list means any of its values. */
export async function listRows<T extends Table>(db: NetworkDb, table: T, where: Where<T> = {}): Promise<Row<T>[]> {
  let query = loose(db)
    .selectFrom(table as 't')
    .selectAll()
  for (const [column, value] of Object.entries(where)) {
    if (value === undefined) continue
    if (Array.isArray(value) && value.length === 0) return []
    query = Array.isArray(value) ? query.where(column, 'in', value) : query.where(column, '=', value)
  }
  return (await query.execute()) as Row<T>[]
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
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

/** Changes an entity and raises its revision. */
export async function updateRow<
  T extends Exclude<Table, 'ip_allocations' | 'quotas' | 'revisions' | 'tags' | 'auto_topologies'>,
>(db: NetworkDb, table: T, id: string, changes: Partial<Row<T>>): Promise<void> {
  await loose(db)
    .updateTable(table as 't')
    .set(changes as never)
    .where('id', '=', id)
    .execute()
}

export async function deleteRows<T extends Table>(db: NetworkDb, table: T, where: Where<T>): Promise<number> {
  let query = loose(db).deleteFrom(table as 't')
  for (const [column, value] of Object.entries(where)) {
    if (Array.isArray(value) && value.length === 0) return 0
    query = Array.isArray(value) ? query.where(column, 'in', value) : query.where(column, '=', value)
  }
  return Number((await query.executeTakeFirst()).numDeletedRows)
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
  await loose(db)
    .deleteFrom(table as 't')
    .where('id', '=', id)
    .execute()
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

export const parseList = <T>(text: string): T[] => JSON.parse(text) as T[]
