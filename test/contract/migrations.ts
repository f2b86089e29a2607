/** What the tests of schemas have in common: the steps of every service, and a database whose statements are cut. */
import { CompiledQuery, sql, type Kysely, type KyselyPlugin } from 'kysely'
import type { Database } from '../../src/platform/db/database.ts'
import { migrate, type Migration } from '../../src/platform/db/migrate.ts'
import { migrations as compute } from '../../src/services/compute/store/migrations.ts'
import { migrations as identity } from '../../src/services/identity/open.ts'
import { migrations as image } from '../../src/services/image/open.ts'
import { migrations as network } from '../../src/services/network/store/migrations.ts'
import { migrations as placement } from '../../src/services/placement/store/migrations.ts'

/** The steps of each service's schema. */
export const schemas: Readonly<Record<string, readonly Migration[]>> = { identity, image, placement, compute, network }

/** The process ends here. */
class Cut extends Error {}

/** Lets `most` statements pass and cuts there. */
class Cutter implements KyselyPlugin {
  passed = 0
  readonly most: number

  constructor(most: number) {
    this.most = most
  }

  transformQuery: KyselyPlugin['transformQuery'] = ({ node }) => {
    if (this.passed >= this.most) throw new Cut()
    this.passed++
    return node
  }

  transformResult: KyselyPlugin['transformResult'] = async ({ result }) => result
}

/**
 * Runs every step again and again, each time one statement further than the last, as one that was killed there and
 * started again: outside of a transaction, as MariaDB runs them. Returns how often it was cut.
 */
export async function migrateWithCuts(database: Database<object>, migrations: readonly Migration[]): Promise<number> {
  let cuts = 0
  for (const [index, { up }] of migrations.entries()) {
    // Rows without end are written one by one: after the first hundred statements in doubling steps.
    for (let most = 1; ; most += most < 100 ? 1 : most) {
      try {
        await up(database.db.withPlugin(new Cutter(most)) as unknown as Kysely<never>, database.engine)
        break
      } catch (error) {
        if (!(error instanceof Cut)) throw error
        cuts++
      }
    }
    // Its record was not written any more: it runs once more.
    await migrate(database, migrations.slice(0, index + 1))
  }
  return cuts
}

/** Tables with their columns, and indexes with theirs, as lines. */
export async function describe({ db, engine }: Database<object>): Promise<string[]> {
  const tables = (await db.introspection.getTables()).flatMap(({ name, columns }) =>
    columns.map((column) => `${name}.${column.name} ${column.dataType} ${column.isNullable}`.toLowerCase()),
  )
  const query =
    engine === 'sqlite'
      ? `select tbl_name || ' ' || name as line from sqlite_master where type = 'index'`
      : `select concat(table_name, ' ', index_name, ' ', column_name, ' ', seq_in_index) as line
         from information_schema.statistics where table_schema = database()`
  const { rows } = await sql.raw<{ line: string }>(query).execute(db)
  return [...tables, ...rows.map(({ line }) => line)].sort()
}

/** How many rows each table has. */
export async function countRows({ db }: Database<object>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { name } of await db.introspection.getTables()) {
    const { rows } = await db.executeQuery<{ count: number }>(
      CompiledQuery.raw(`select count(*) as count from ${name === 'groups' ? '`groups`' : name}`),
    )
    counts[name] = Number(rows[0]!.count)
  }
  return counts
}
