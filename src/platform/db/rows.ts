/**
 * The queries that all tables have alike: one row, rows that equal something, a page, insertion, change, deletion. A
 * service makes them of its schema once (`rowsOf`); queries with a story are named functions in its `store/`.
 */
import type { Expression, Insertable, Kysely, Selectable, SqlBool, Updateable } from 'kysely'
import { isDuplicate, type Db } from './database.ts'
import { runCompiled, type Shape } from './compiled.ts'
import { behind, type SortKey } from './keyset.ts'

type TableOf<S> = keyof S & string
export type RowOf<S, T extends TableOf<S>> = Selectable<S[T]>
/** What columns equal; a list means any of its values. */
export type WhereOf<S, T extends TableOf<S>> = {
  [K in keyof RowOf<S, T>]?: RowOf<S, T>[K] | readonly RowOf<S, T>[K][]
}
/** Tables whose rows have ids. */
type WithId<S> = { [T in TableOf<S>]: RowOf<S, T> extends { id: string } ? T : never }[TableOf<S>]

/** Part of a table: rows that meet all conditions in the order of `keys`, behind one of them where `after` is given. */
export interface PartOfTable<R> {
  readonly conditions?: readonly Expression<SqlBool>[]
  readonly keys: readonly SortKey[]
  readonly after?: Partial<R> | undefined
  readonly limit?: number | undefined
}

/** What is not the same for all tables of a service. */
export interface RowRules<S> {
  /** Columns by which listed rows are ordered. */
  orderOf?(table: TableOf<S>): readonly string[]
  /** How a column is compared where equality is more than that of the engine. */
  equals?(table: TableOf<S>, column: string, value: unknown): Expression<SqlBool> | undefined
  /** What is written for a new row or for a change. */
  written?(table: TableOf<S>, values: object, isNew: boolean): object
  /** Who follows what is written: told of each write with the row as it was and as it is. */
  journal?: {
    /** Whether it follows rows of the table, or these columns of it. */
    follows(table: TableOf<S>, columns?: readonly string[]): boolean
    note(db: Db<S>, table: TableOf<S>, before: object | undefined, after: object | undefined): Promise<void>
  }
}

export interface Rows<S> {
  /** Rows that equal `where`. */
  listRows<T extends TableOf<S>>(db: Db<S>, table: T, where?: WhereOf<S, T>, limit?: number): Promise<RowOf<S, T>[]>
  findRow<T extends TableOf<S>>(db: Db<S>, table: T, where: WhereOf<S, T>): Promise<RowOf<S, T> | undefined>
  pageRows<T extends TableOf<S>>(db: Db<S>, table: T, part: PartOfTable<RowOf<S, T>>): Promise<RowOf<S, T>[]>
  /** False when a row with the same unique key exists. */
  insertRow<T extends TableOf<S>>(db: Db<S>, table: T, row: Insertable<S[T]>): Promise<boolean>
  /** False when no row has the id. Rejects when a unique key would be there twice. */
  updateRow<T extends WithId<S>>(db: Db<S>, table: T, id: string, changes: Updateable<S[T]>): Promise<boolean>
  /** Deletes the rows that equal `where`; how many there were. */
  deleteRows<T extends TableOf<S>>(db: Db<S>, table: T, where: WhereOf<S, T>): Promise<number>
}

/** What a write gives, or `taken` where a unique key would be there twice. */
export async function orTaken<T>(write: Promise<T>): Promise<T | 'taken'> {
  try {
    return await write
  } catch (error) {
    if (isDuplicate(error)) return 'taken'
    throw error
  }
}

/** Engines take only so many values in a statement. */
const valuesAtMost = 10_000

// The tables differ only in their columns, which the signatures above check.
type Loose = Kysely<{ t: Record<string, unknown> }>
interface Conditional<Q> {
  where(column: string, operator: Comparison['operator'], value: unknown): Q
  where(expression: Expression<SqlBool>): Q
}
interface Comparison {
  column: string
  operator: 'in' | 'is' | '='
  value: unknown
}
type Condition = Comparison | { expression: Expression<SqlBool> }

const narrow = <Q extends Conditional<Q>>(query: Q, conditions: readonly Condition[]): Q =>
  conditions.reduce(
    (narrowed, each) =>
      'expression' in each ? narrowed.where(each.expression) : narrowed.where(each.column, each.operator, each.value),
    query,
  )

/** Longer lists are of any length: each would be a shape of its own. */
const listAtMost = 20

/** The shape of conditions; undefined where one is more than a comparison. */
function shapeOf(conditions: readonly Condition[]): Shape | undefined {
  let shape = ''
  const values: unknown[] = []
  for (const each of conditions) {
    if ('expression' in each) return undefined
    const { column, operator, value } = each
    if (operator === 'is') shape += ` ${column} is`
    else if (operator === '=') {
      shape += ` ${column}`
      values.push(value)
    } else {
      const list = value as unknown[]
      if (list.length > listAtMost) return undefined
      shape += ` ${column} ${list.length}`
      values.push(...list)
    }
  }
  return { shape, values }
}

/** The queries of a service's schema. */
export function rowsOf<S>({ orderOf, equals, written, journal }: RowRules<S> = {}): Rows<S> {
  const loose = (db: Db<S>) => db as unknown as Loose
  const plain = (db: Db<S>) => db as unknown as Kysely<never>
  const all = (db: Db<S>, table: TableOf<S>) =>
    loose(db)
      .selectFrom(table as 't')
      .selectAll()

  /** The conditions that rows equal `where`; undefined where none can. */
  function conditionsOf(table: TableOf<S>, where: object): Condition[] | undefined {
    const conditions: Condition[] = []
    for (const [column, value] of Object.entries(where as Record<string, unknown>)) {
      if (value === undefined) throw new Error(`${table}: no value for ${column}`)
      if (Array.isArray(value) && value.length === 0) return undefined
      const expression = equals?.(table, column, value)
      const operator = Array.isArray(value) ? 'in' : value === null ? 'is' : '='
      conditions.push(expression ? { expression } : { column, operator, value })
    }
    return conditions
  }

  async function select(db: Db<S>, table: TableOf<S>, where: object, limit?: number): Promise<object[]> {
    const long = Object.entries(where as Record<string, unknown>).find(
      ([, value]) => Array.isArray(value) && value.length > valuesAtMost,
    )
    if (long) return selectInParts(db, table, where, long[0], long[1] as unknown[])
    const conditions = conditionsOf(table, where)
    if (!conditions) return []
    const known = shapeOf(conditions)
    if (known) known.shape = `select ${table}${known.shape}${limit === undefined ? '' : ' limit'}`
    if (limit !== undefined) known?.values.push(limit)
    const { rows } = await runCompiled(plain(db), known, () => {
      let query = narrow(all(db, table), conditions)
      for (const column of orderOf?.(table) ?? []) query = query.orderBy(column)
      return limit === undefined ? query : query.limit(limit)
    })
    return rows
  }

  async function selectInParts(db: Db<S>, table: TableOf<S>, where: object, column: string, values: unknown[]) {
    const rows: object[] = []
    for (let at = 0; at < values.length; at += valuesAtMost)
      rows.push(...(await select(db, table, { ...where, [column]: values.slice(at, at + valuesAtMost) })))
    return rows
  }

  return {
    listRows: (db, table, where = {}, limit) => select(db, table, where, limit) as never,
    findRow: async (db, table, where) => (await select(db, table, where, 1))[0] as never,
    async pageRows(db, table, { conditions = [], keys, after, limit }) {
      let query = all(db, table)
      for (const condition of conditions) query = query.where(condition)
      if (after) query = query.where(behind(keys, after))
      for (const { column, direction } of keys) query = query.orderBy(column, direction)
      if (limit !== undefined) query = query.limit(limit)
      return (await query.execute()) as never
    },
    async insertRow(db, table, row) {
      const values = (written?.(table, row, true) ?? row) as Record<string, unknown>
      const columns = Object.keys(values).filter((column) => values[column] !== undefined)
      const known = { shape: `insert ${table} ${columns.join()}`, values: columns.map((column) => values[column]) }
      const insert = runCompiled(plain(db), known, () =>
        loose(db)
          .insertInto(table as 't')
          .values(values),
      )
      if ((await orTaken(insert)) === 'taken') return false
      await journal?.note(db, table, undefined, row)
      return true
    },
    async updateRow(db, table, id, changes) {
      const columns = Object.keys(changes)
      if (columns.length === 0) return true
      const [before] = journal?.follows(table, columns) ? await select(db, table, { id }, 1) : []
      const values = (written?.(table, changes, false) ?? changes) as Record<string, unknown>
      const names = Object.keys(values).filter((column) => values[column] !== undefined)
      const known = {
        shape: `update ${table} ${names.join()}`,
        values: [...names.map((column) => values[column]), id],
      }
      const { numAffectedRows = 0n } = await runCompiled(plain(db), known, () =>
        loose(db)
          .updateTable(table as 't')
          .set(values)
          .where('id', '=', id),
      )
      if (before) await journal?.note(db, table, before, { ...before, ...changes })
      return numAffectedRows > 0n
    },
    async deleteRows(db, table, where) {
      const before = journal?.follows(table) ? await select(db, table, where) : []
      const conditions = conditionsOf(table, where)
      if (!conditions) return 0
      const known = shapeOf(conditions)
      if (known) known.shape = `delete ${table}${known.shape}`
      const { numAffectedRows = 0n } = await runCompiled(plain(db), known, () =>
        narrow(loose(db).deleteFrom(table as 't'), conditions),
      )
      for (const row of before) await journal?.note(db, table, row, undefined)
      return Number(numAffectedRows)
    },
  }
}
