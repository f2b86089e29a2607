import { sql, type Kysely } from 'kysely'
import type { Database, Engine } from './database.ts'

/**
 * One step of a schema. `up` must be safe to run again: MariaDB does not roll DDL back, so a step that was cut in the
 * middle runs once more. Never edited once released; the next change is a new file.
 */
export interface Migration {
  readonly name: string
  up(db: Kysely<never>, engine: Engine): Promise<void>
}

/** Every database has this table besides those of its schema. */
const ledgerOf = <Schema>(database: Database<Schema>) =>
  database.db as unknown as Kysely<{ schema_migrations: { name: string; applied_at: number } }>

/** Names of the steps that the database still lacks. Throws when a newer version wrote it. */
export async function pendingMigrations<Schema>(
  database: Database<Schema>,
  migrations: readonly Migration[],
): Promise<string[]> {
  const db = ledgerOf(database)
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

/** Brings the database to the newest schema; returns the names of the steps that ran. */
export async function migrate<Schema>(database: Database<Schema>, migrations: readonly Migration[]): Promise<string[]> {
  const db = ledgerOf(database)
  const pending = new Set(await pendingMigrations(database, migrations))
  const ran: string[] = []
  for (const migration of migrations) {
    if (!pending.has(migration.name)) continue
    // Tables are not known before they are made.
    await migration.up(db as unknown as Kysely<never>, database.engine)
    await db.insertInto('schema_migrations').values({ name: migration.name, applied_at: Date.now() }).execute()
    ran.push(migration.name)
  }
  return ran
}

/** Adds a column unless an earlier, cut run has. `definition` is portable SQL: `name type`. */
export async function addColumn(db: Kysely<never>, engine: Engine, table: string, definition: string): Promise<void> {
  const [name] = definition.split(' ')
  const tables = await db.introspection.getTables()
  const has = tables.find((each) => each.name === table)?.columns.some((column) => column.name === name)
  if (!has) await runStatements(db, engine, `alter table ${table} add column ${definition}`)
}

/**
 * Runs the statements of a schema file, separated by `;` at line ends. Write portable SQL (`create table if not
 * exists`, `varchar`, `bigint`, `text`); `text` becomes `mediumtext` and tables get a binary collation on MariaDB.
 */
export async function runStatements(db: Kysely<never>, engine: Engine, text: string): Promise<void> {
  for (const statement of text.split(/;\s*\n/)) {
    const trimmed = statement.trim().replace(/;$/, '')
    if (trimmed === '') continue
    await sql.raw(engine === 'mysql' ? forMysql(trimmed) : trimmed).execute(db)
  }
}

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
  const db = ledgerOf(database)
  await db.deleteFrom('schema_migrations').execute()
  const rows = names.slice(0, last + 1).map((each) => ({ name: each, applied_at: Date.now() }))
  await db.insertInto('schema_migrations').values(rows).execute()
}
