import { sql, type Kysely } from 'kysely'
import type { Database, Engine } from './database.ts'
import { isBusy } from './sqlite.ts'

/**
 * One step of a schema. Never edited once landed (test/contract/migrations.test.ts); the next change is a new file.
 *
 * A step that was cut runs again. On SQLite it is one transaction and leaves nothing; MariaDB does not roll DDL back, so
 * there `up` meets what it made before: `runStatements` and `addColumn` pass over it, and rows must be written so that
 * writing them twice changes nothing.
 */
export interface Migration {
  readonly name: string
  up(db: Kysely<never>, engine: Engine): Promise<void>
}

/** Every database has this table besides those of its schema. */
interface Ledger {
  schema_migrations: { name: string; applied_at: number }
}

const ledgerOf = (db: unknown) => db as Kysely<Ledger>

/** Names of the steps that the database still lacks. Throws when a newer version wrote it. */
export async function pendingMigrations<Schema>(
  database: Database<Schema>,
  migrations: readonly Migration[],
): Promise<string[]> {
  const db = ledgerOf(database.db)
  await db.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('name', 'varchar(255)', (column) => column.primaryKey())
    .addColumn('applied_at', 'bigint', (column) => column.notNull())
    .execute()
  const applied = new Set((await db.selectFrom('schema_migrations').select('name').execute()).map((row) => row.name))
  const unknown = [...applied].filter((name) => !migrations.some((migration) => migration.name === name))
  if (unknown.length > 0) {
    throw new Error(`the database was written by a newer version (it has ${unknown.join(', ')}): start that version`)
  }
  return migrations.map(({ name }) => name).filter((name) => !applied.has(name))
}

/** Names of the steps that a database has; none where it is new. */
export async function appliedMigrations<Schema>({ db }: Pick<Database<Schema>, 'db'>): Promise<string[]> {
  const rows = await ledgerOf(db)
    .selectFrom('schema_migrations')
    .select('name')
    .orderBy('name')
    .execute()
    .catch(() => [])
  return rows.map((row) => row.name)
}

/**
 * Brings the database to the newest schema; returns the names of the steps that ran. Of several processes that start at
 * once each step runs in one; the others wait for it.
 */
export async function migrate<Schema>(database: Database<Schema>, migrations: readonly Migration[]): Promise<string[]> {
  if ((await pendingMigrations(database, migrations)).length === 0) return []
  const ran: string[] = []
  for (const migration of migrations) {
    const isNew = await exclusively(database, (db) => runOnce(db, database.engine, migration))
    if (isNew) ran.push(migration.name)
  }
  return ran
}

/** As `migrate`, for a database that was opened just now: it is closed again where that fails, so that who tries on keeps none. */
export async function migrateOpened<Schema>(
  database: Database<Schema>,
  migrations: readonly Migration[],
): Promise<string[]> {
  try {
    return await migrate(database, migrations)
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Runs the step unless the database has it, which another process may have done meanwhile. */
async function runOnce(db: Kysely<Ledger>, engine: Engine, { name, up }: Migration): Promise<boolean> {
  if (await db.selectFrom('schema_migrations').select('name').where('name', '=', name).executeTakeFirst()) return false
  // Tables are not known before they are made.
  await up(db as unknown as Kysely<never>, engine)
  await db.insertInto('schema_migrations').values({ name, applied_at: Date.now() }).execute()
  return true
}

/** How long a process waits for another one's step. */
const mostWaitSeconds = 600

/** Runs `work` while no other process changes the schema: in one transaction on SQLite, under a named lock on MariaDB. */
async function exclusively<Schema, T>(
  database: Database<Schema>,
  work: (db: Kysely<Ledger>) => Promise<T>,
): Promise<T> {
  if (database.engine === 'sqlite') {
    return whenFree(() => database.db.transaction().execute((tx) => work(ledgerOf(tx))))
  }
  return database.db.connection().execute(async (connection) => {
    const lock = sql`concat('nephos schema ', left(database(), 50))`
    const { rows } = await sql<{ taken: number | null }>`select get_lock(${lock}, ${mostWaitSeconds}) as taken`.execute(
      connection,
    )
    if (rows[0]?.taken !== 1) throw new Error('another process has been changing the schema for too long')
    try {
      return await work(ledgerOf(connection))
    } finally {
      await sql`select release_lock(${lock})`.execute(connection)
    }
  })
}

/** A transaction waits some seconds for a file by itself; a step of a large database may take longer. */
async function whenFree<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + mostWaitSeconds * 1000
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error
    }
  }
}

/** Rows that belong together, in a step: all of them or none. On SQLite the step is a transaction already. */
export const atomically = <Schema>(db: Kysely<Schema>, work: (tx: Kysely<Schema>) => Promise<void>): Promise<void> =>
  db.isTransaction ? work(db) : db.transaction().execute(work)

/** Adds a column unless an earlier, cut run has. `definition` is portable SQL: `name type`. */
export async function addColumn(db: Kysely<never>, engine: Engine, table: string, definition: string): Promise<void> {
  const [name = ''] = definition.split(' ')
  if (!(await hasColumn(db, engine, table, name)))
    await runStatements(db, engine, `alter table ${table} add column ${definition}`)
}

/** Kysely's introspection would read the whole schema, which on MariaDB costs more than all else of a step. */
async function hasColumn(db: Kysely<never>, engine: Engine, table: string, name: string): Promise<boolean> {
  const found =
    engine === 'sqlite'
      ? sql`select 1 from pragma_table_info(${table}) where name = ${name}`
      : sql`select 1 from information_schema.columns
          where table_schema = database() and table_name = ${table} and column_name = ${name}`
  return (await found.execute(db)).rows.length > 0
}

/**
 * Runs the statements of a schema file, separated by `;` at line ends, and passes over what a cut run has made already.
 * Write portable SQL (`create table if not exists`, `varchar`, `bigint`, `text`); `text` becomes `mediumtext` and tables
 * get a binary collation on MariaDB.
 */
export async function runStatements(db: Kysely<never>, engine: Engine, text: string): Promise<void> {
  for (const statement of text.split(/;\s*\n/)) {
    const trimmed = statement.trim().replace(/;$/, '')
    if (trimmed === '') continue
    try {
      await sql.raw(engine === 'mysql' ? forMysql(trimmed) : trimmed).execute(db)
    } catch (error) {
      if (!/^(create|alter)\b/i.test(trimmed) || !isThereAlready(error)) throw error
    }
  }
}

const thereAlready = new Set(['ER_TABLE_EXISTS_ERROR', 'ER_DUP_KEYNAME', 'ER_DUP_FIELDNAME'])

/** The table, index or column exists. SQLite has no code for it. */
const isThereAlready = (error: unknown): boolean =>
  thereAlready.has((error as { code?: string }).code ?? '') ||
  (error instanceof Error && /^((table|index) \S+ already exists|duplicate column name: )/.test(error.message))

const forMysql = (statement: string): string => {
  const typed = statement.replace(/\btext\b/g, 'mediumtext')
  return /^create table/i.test(typed) ? `${typed} charset utf8mb4 collate utf8mb4_bin` : typed
}

/**
 * Records that the schema is that of `name`, whatever it is: for a database that was copied without its record.
 * Throws when there is no such step.
 */
export async function stamp<Schema>(
  database: Database<Schema>,
  migrations: readonly Migration[],
  name: string,
): Promise<void> {
  const names = migrations.map((migration) => migration.name)
  const last = names.indexOf(name)
  if (last < 0) throw new Error(`there is no version '${name}': there are ${names.join(', ')}`)
  await pendingMigrations(database, migrations)
  const db = ledgerOf(database.db)
  await db.deleteFrom('schema_migrations').execute()
  const rows = names.slice(0, last + 1).map((each) => ({ name: each, applied_at: Date.now() }))
  await db.insertInto('schema_migrations').values(rows).execute()
}
