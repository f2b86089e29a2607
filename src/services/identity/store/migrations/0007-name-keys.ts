import { sql, type Kysely } from 'kysely'
import { addColumn, runStatements, type Migration } from '../../../../platform/db/migrate.ts'

/** In what names are unique. A migration keeps its own list: it is for the tables of its time. */
const tables = {
  projects: 'domain_id',
  users: 'domain_id',
  groups: 'domain_id',
  roles: 'domain_id',
  application_credentials: 'user_id',
}

interface Named {
  id: string
  name: string
  scope: string
  name_key: string | null
}

/**
 * Names are compared without case. Of names that differ only by case the one that is in lower case already has the
 * common key, or else the first by id; the others keep their exact name as key.
 */
export const nameKeys: Migration = {
  name: '0007-name-keys',
  async up(db, engine) {
    for (const [table, scope] of Object.entries(tables)) {
      await addColumn(db, engine, table, 'name_key varchar(512)')
      await sql`update ${sql.table(table)} set name_key = lower(name) where name_key is null`.execute(db)
      await keepApart(db, table, scope)
      await runStatements(
        db,
        engine,
        `create unique index if not exists ${table}_name_key on ${table} (${scope}, name_key);`,
      )
    }
  },
}

async function keepApart(db: Kysely<never>, table: string, scope: string): Promise<void> {
  const { rows } = await sql<Named>`
    select id, name, name_key, ${sql.ref(scope)} as scope from ${sql.table(table)} order by id`.execute(db)
  const taken = new Set(
    rows.filter(({ name }) => name.toLowerCase() === name).map(({ scope, name }) => `${scope} ${name}`),
  )
  for (const row of rows) {
    const folded = row.name.toLowerCase()
    const place = `${row.scope} ${folded}`
    const isFree = folded === row.name || !taken.has(place)
    taken.add(place)
    const key = isFree ? folded : row.name
    if (row.name_key !== key)
      await sql`update ${sql.table(table)} set name_key = ${key} where id = ${row.id}`.execute(db)
  }
}
