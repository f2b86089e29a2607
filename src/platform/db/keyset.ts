/**
 * Pages by keyset: the page after a row is found by the values of its sort keys, so that a database reads what it shows
 * and a page costs the same wherever it is.
 */
import { sql, type Expression, type RawBuilder, type SqlBool } from 'kysely'

/** One key of an order; the last one is unique, so that the order is total. `column` comes from code, never from a request. */
export interface SortKey<Column extends string = string> {
  readonly column: Column
  readonly direction: 'asc' | 'desc'
}

/**
 * `(a, b) > (x, y)` with a direction for each key: the rows behind the one with these values. Null sorts before
 * everything, as both engines have it.
 */
export function behind(keys: readonly SortKey[], row: Readonly<Record<string, unknown>>): Expression<SqlBool> {
  const parts = keys.map((key, index) => {
    const equal = keys.slice(0, index).map(({ column }) => same(column, row[column]))
    return sql<SqlBool>`(${sql.join([...equal, beyond(key, row[key.column])], sql` and `)})`
  })
  const any = sql<SqlBool>`(${sql.join(parts, sql` or `)})`
  // Engines find the first key's index only when it stands by itself.
  const bound = keys.length > 1 && atLeast(keys[0]!, row[keys[0]!.column])
  return bound ? sql<SqlBool>`(${bound} and ${any})` : any
}

const same = (column: string, value: unknown) =>
  isNull(value) ? sql`${sql.ref(column)} is null` : sql`${sql.ref(column)} = ${value}`

function beyond({ column, direction }: SortKey, value: unknown): RawBuilder<unknown> {
  const name = sql.ref(column)
  if (direction === 'asc') return isNull(value) ? sql`${name} is not null` : sql`${name} > ${value}`
  return isNull(value) ? sql`1 = 0` : sql`(${name} < ${value} or ${name} is null)`
}

function atLeast({ column, direction }: SortKey, value: unknown): RawBuilder<unknown> | undefined {
  if (isNull(value)) return undefined
  return direction === 'desc' ? undefined : sql`${sql.ref(column)} >= ${value}`
}

const isNull = (value: unknown) => value === null || value === undefined
