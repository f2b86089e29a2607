/**
 * Names are compared without case, as keystone's are on MariaDB: who asks for `default` means `Default`, and `Demo` is
 * taken where there is `demo`. Each table of named things has a column `name_key` with a unique index, which only this
 * file and `rows.ts` know: the name in lower case, the same on every engine. Rows from before that index that differ
 * only by case are kept: the second and later ones have their exact name as key, and are found by that alone.
 */
import { sql, type Expression, type SqlBool } from 'kysely'
import type { Db } from '../../../platform/db/database.ts'
import type { IdentitySchema } from './tables.ts'

/** What names are unique in, by table. */
export const namedTables = {
  projects: 'domain_id',
  users: 'domain_id',
  groups: 'domain_id',
  roles: 'domain_id',
  application_credentials: 'user_id',
} as const
export type NamedTable = keyof typeof namedTables

export const isNamed = (table: string): table is NamedTable => Object.hasOwn(namedTables, table)

/** What of a name counts when it is compared. */
export const keyOf = (name: string): string => name.toLowerCase()

/** A row as it is written: with the key of its name, where its table has one. */
export const withKey = <T extends object>(table: string, row: T): T =>
  isNamed(table) && 'name' in row ? { ...row, name_key: keyOf(String(row.name)) } : row

/** The same for a change: a kept row that is given the name that it has stays as it is. */
export function changesWithKey<T extends object>(table: string, changes: T): T {
  if (!isNamed(table) || !('name' in changes) || changes.name === undefined) return changes
  const name = String(changes.name)
  // MariaDB assigns from left to right: the key comes before the name that it is compared with.
  return { name_key: sql`case when name = ${name} then name_key else ${keyOf(name)} end`, ...changes }
}

/** The condition that rows of a table are called so: by the exact name where there is one, else whatever its case. */
export function isCalled(table: NamedTable, name: string): Expression<SqlBool> {
  const key = keyOf(name)
  const own = sql.ref(`${table}.name_key`)
  if (key === name) return sql<SqlBool>`${own} = ${key}`
  const scope = namedTables[table]
  const exact = sql`select 1 from ${sql.table(table)} as exact
    where exact.${sql.ref(scope)} = ${sql.ref(`${table}.${scope}`)} and exact.name_key = ${name}`
  return sql<SqlBool>`(${own} in (${name}, ${key}) and (${own} = ${name} or not exists (${exact})))`
}

/** Rows of a domain whose names have one of these keys. */
export const keyedRows = (
  db: Db<IdentitySchema>,
  table: 'users' | 'groups',
  domainId: string,
  keys: readonly string[],
): Promise<{ id: string; name: string }[]> =>
  db
    .selectFrom(table)
    .select(['id', 'name'])
    .where('domain_id', '=', domainId)
    .where(sql.ref('name_key'), 'in', [...keys])
    .execute()

export interface KeptName {
  table: NamedTable
  id: string
  name: string
}

/** Rows whose names differ only by case from another's. */
export async function keptNames(db: Db<IdentitySchema>): Promise<KeptName[]> {
  const kept: KeptName[] = []
  for (const table of Object.keys(namedTables) as NamedTable[]) {
    const { rows } = await sql<{ id: string; name: string }>`
      select id, name from ${sql.table(table)} where name_key = name order by id`.execute(db)
    for (const { id, name } of rows) if (keyOf(name) !== name) kept.push({ table, id, name })
  }
  return kept
}

/** For the log and `doctor`. */
export const describeKept = ({ table, id, name }: KeptName): string =>
  `${table}: the name '${name}' (${id}) differs from another only by case: it is found by exactly this name; give it another one`
