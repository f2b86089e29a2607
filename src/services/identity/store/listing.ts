/** One page of a listing: conditions, order and limit are the database's work. */
import { expressionBuilder, sql, type Expression, type SqlBool } from 'kysely'
import { isCalled, isNamed } from './names.ts'
import { pageRows, type IdentityDb, type Row, type Table } from './rows.ts'

export type Comparator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'contains' | 'startswith' | 'endswith'

/** `column` comes from code, never from a request. */
interface ColumnFilter {
  column: string
  comparator: Comparator
  value: unknown
  /** For the comparators on texts. */
  ignoreCase?: boolean
}

/** A condition on one column, or a store's own piece of SQL. */
export type Filter = ColumnFilter | { expression: Expression<SqlBool> }

export interface Page {
  /** Rows behind the one with this id. */
  marker?: string | undefined
  limit?: number | undefined
}

/** A filter as SQL that means the same on SQLite and MariaDB, whatever their `like` thinks of case. */
export function toSql(filter: Filter): Expression<SqlBool> {
  if ('expression' in filter) return filter.expression
  const { column, comparator, value, ignoreCase } = filter
  const ref = sql.ref(column)
  const text = ignoreCase ? sql`lower(${ref})` : ref
  const wanted = ignoreCase ? sql`lower(${value})` : sql`${value}`
  const length = [...String(value)].length
  switch (comparator) {
    case 'contains':
      return sql<SqlBool>`instr(${text}, ${wanted}) > 0`
    case 'startswith':
      return sql<SqlBool>`substr(${text}, 1, ${length}) = ${wanted}`
    case 'endswith':
      return length === 0 ? sql<SqlBool>`1 = 1` : sql<SqlBool>`substr(${text}, ${-length}) = ${wanted}`
    case 'in':
      return (value as unknown[]).length === 0 ? sql<SqlBool>`1 = 0` : isIn(ref, value as unknown[])
    default:
      return ignoreCase
        ? sql<SqlBool>`${text} ${sql.raw(comparator)} ${wanted}`
        : sql<SqlBool>`${ref} ${sql.raw(comparator)} ${value}`
  }
}

/** A filter for a name, which is compared as everywhere else. */
function namedSql(table: Table, filter: Filter): Expression<SqlBool> | undefined {
  if ('expression' in filter || filter.column !== 'name' || filter.comparator !== '=') return undefined
  return isNamed(table) ? isCalled(table, String(filter.value)) : undefined
}
/** A list is a list for the compiler of queries only when it is no part of a text. */
export const isIn = (ref: Expression<unknown>, values: readonly unknown[]): Expression<SqlBool> =>
  expressionBuilder<object, never>()(ref, 'in', values)

/** Rows that meet all filters in order of their ids; `isCut` when the limit hides more. */
export async function selectPage<T extends Table>(
  db: IdentityDb,
  table: T,
  filters: readonly Filter[],
  { marker, limit }: Page = {},
): Promise<{ rows: Row<T>[]; isCut: boolean }> {
  const rows = await pageRows(db, table, {
    conditions: filters.map((filter) => namedSql(table, filter) ?? toSql(filter)),
    keys: [{ column: 'id', direction: 'asc' }],
    after: marker === undefined ? undefined : ({ id: marker } as never),
    limit: limit === undefined ? undefined : limit + 1,
  })
  const isCut = limit !== undefined && rows.length > limit
  return { rows: isCut ? rows.slice(0, limit) : rows, isCut }
}

/** The groups of a user, or the users of a group; with those that a login has asserted for a time. */
export function memberOf(of: { user_id: string } | { group_id: string }): Filter {
  const [mine, theirs, id] =
    'user_id' in of ? ['user_id', 'group_id', of.user_id] : ['group_id', 'user_id', of.group_id]
  const asserted = sql`select ${sql.ref(theirs)} from expiring_memberships
    where ${sql.ref(mine)} = ${id} and expires_at > ${Date.now()}`
  const lasting = sql`select ${sql.ref(theirs)} from memberships where ${sql.ref(mine)} = ${id}`
  return { expression: sql<SqlBool>`id in (${lasting} union ${asserted})` }
}
