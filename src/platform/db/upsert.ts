import type { Insertable, Kysely } from 'kysely'
import type { Db, Engine } from './database.ts'

/** Inserts a row, or updates it where `keys` (a unique key) exist already: the engines spell it differently. */
export async function upsert<Schema, Table extends keyof Schema & string>(
  db: Db<Schema>,
  engine: Engine,
  table: Table,
  keys: readonly string[],
  values: Insertable<Schema[Table]>,
): Promise<void> {
  const changes = Object.fromEntries(Object.entries(values as object).filter(([name]) => !keys.includes(name)))
  // The columns of a table that is a parameter: the signature has checked them.
  const insert = (db as unknown as Kysely<Record<string, Record<string, unknown>>>)
    .insertInto(table)
    .values(values as never)
  const unchanged = Object.keys(changes).length === 0
  if (engine === 'mysql') {
    await (unchanged ? insert.ignore() : insert.onDuplicateKeyUpdate(changes as never)).execute()
    return
  }
  await insert
    .onConflict((conflict) =>
      unchanged
        ? conflict.columns(keys as never).doNothing()
        : conflict.columns(keys as never).doUpdateSet(changes as never),
    )
    .execute()
}
