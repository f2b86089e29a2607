/** What commands for a service's schema have in common. */
import type { Database } from '../db/database.ts'
import { migrate, pendingMigrations, type Migration } from '../db/migrate.ts'
import type { ManageEnv } from './command.ts'

/** Brings the schema up to date, and says what was done. */
export async function syncSchema<Schema>(
  database: Database<Schema>,
  migrations: readonly Migration[],
  { print }: Pick<ManageEnv, 'print'>,
): Promise<void> {
  const ran = await migrate(database, migrations)
  print(ran.length === 0 ? `nothing to do: ${migrations.at(-1)!.name}` : `done: ${ran.join(', ')}`)
}

/** Prints the last step that the database has. */
export async function printVersion<Schema>(
  database: Database<Schema>,
  migrations: readonly Migration[],
  { print }: Pick<ManageEnv, 'print'>,
): Promise<void> {
  const pending = new Set(await pendingMigrations(database, migrations))
  print(migrations.findLast(({ name }) => !pending.has(name))?.name ?? 'none')
}
