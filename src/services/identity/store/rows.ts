/** The queries that every kind of entity shares; those with a story have files of their own. */
import type { Insertable, Kysely, Selectable, Updateable } from 'kysely'
import { isDuplicate, type Db } from '../../../platform/db/database.ts'
import { changesWithKey, isCalled, isNamed, withKey } from './names.ts'
import type { IdentitySchema } from './tables.ts'

export type Table = keyof IdentitySchema
export type Row<T extends Table> = Selectable<IdentitySchema[T]>
export type IdentityDb = Db<IdentitySchema>

/** One condition of a listing. `column` comes from code, never from a request. */
export interface Condition {
  column: string
  operator: '=' | 'like' | 'in' | '!='
  value: unknown
}

type Loose = Kysely<{ t: Record<string, unknown> }>
/** Tables as parameters: they differ only in their columns, which the signatures of the callers check. */
export const loose = (db: IdentityDb) => db as unknown as Loose

/** Tables without an id of their own. */
const keyedByMore: ReadonlySet<Table> = new Set([
  'memberships',
  'implied_roles',
  'assignments',
  'project_tags',
  'project_endpoints',
  'project_endpoint_groups',
  'policy_associations',
  'domain_options',
])

/** Rows that meet all conditions, ordered by id. */
export async function listRows<T extends Table>(
  db: IdentityDb,
  table: T,
  conditions: readonly Condition[] = [],
  limit?: number,
): Promise<Row<T>[]> {
  let query = loose(db)
    .selectFrom(table as 't')
    .selectAll()
  for (const { column, operator, value } of conditions)
    query =
      isNamed(table) && column === 'name' && operator === '='
        ? query.where(isCalled(table, String(value)))
        : query.where(column, operator, value)
  if (!keyedByMore.has(table)) query = query.orderBy('id')
  if (limit !== undefined) query = query.limit(limit)
  return (await query.execute()) as Row<T>[]
}

export async function findRow<T extends Table>(
  db: IdentityDb,
  table: T,
  where: Partial<Row<T>>,
): Promise<Row<T> | undefined> {
  let query = loose(db)
    .selectFrom(table as 't')
    .selectAll()
  for (const [column, value] of Object.entries(where))
    query =
      isNamed(table) && column === 'name'
        ? query.where(isCalled(table, String(value)))
        : query.where(column, '=', value)
  return (await query.limit(1).executeTakeFirst()) as Row<T> | undefined
}

/** False when a row with the same unique key exists. */
export async function insertRow<T extends Table>(
  db: IdentityDb,
  table: T,
  row: Insertable<IdentitySchema[T]>,
): Promise<boolean> {
  try {
    await loose(db)
      .insertInto(table as 't')
      .values(withKey(table, row) as never)
      .execute()
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

/** `missing` when no row has the id, `taken` when a unique key would be there twice. */
export async function updateRow<T extends Table>(
  db: IdentityDb,
  table: T,
  id: string,
  changes: Updateable<IdentitySchema[T]>,
): Promise<'done' | 'missing' | 'taken'> {
  try {
    if (Object.keys(changes).length === 0) return 'done'
    const result = await loose(db)
      .updateTable(table as 't')
      .set(changesWithKey(table, changes) as never)
      .where('id', '=', id)
      .executeTakeFirst()
    return result.numUpdatedRows > 0n ? 'done' : 'missing'
  } catch (error) {
    if (isDuplicate(error)) return 'taken'
    throw error
  }
}

/** Deletes the rows that equal `where`; how many there were. */
export async function deleteRows<T extends Table>(db: IdentityDb, table: T, where: Partial<Row<T>>): Promise<number> {
  let query = loose(db).deleteFrom(table as 't')
  for (const [column, value] of Object.entries(where)) query = query.where(column, '=', value)
  return Number((await query.executeTakeFirst()).numDeletedRows)
}
