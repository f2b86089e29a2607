import { sql, type Kysely } from 'kysely'
import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

const changes = (id: string) => `
create table if not exists changes (id ${id}, provider_uuid varchar(36) not null, at bigint not null);
create index if not exists changes_by_time on changes (at);
create index if not exists providers_of_tree on providers (root_uuid);
create index if not exists providers_of_parent on providers (parent_uuid);
create index if not exists providers_with_trait on provider_traits (trait);
create index if not exists allocations_usage on allocations (provider_uuid, resource_class, used);
create index if not exists inventories_of_class on inventories (resource_class);
create index if not exists consumers_of_project on consumers (project_id, user_id);
`

/** When rows were made, for `Last-Modified`, and the log of changed providers. */
export const changesLog: Migration = {
  name: '0002-changes',
  async up(db, engine) {
    const id = engine === 'mysql' ? 'bigint primary key auto_increment' : 'integer primary key autoincrement'
    await runStatements(db, engine, changes(id))
    for (const table of ['providers', 'allocations', 'custom_traits', 'custom_classes']) {
      await addTime(db, table, 'created_at')
    }
    await addTime(db, 'inventories', 'updated_at')
  },
}

/** Safe to repeat: only one of the engines has `add column if not exists`. */
async function addTime(db: Kysely<never>, table: string, column: string) {
  const isThere = await sql
    .raw(`select ${column} from ${table} limit 1`)
    .execute(db)
    .then(
      () => true,
      () => false,
    )
  if (!isThere) await sql.raw(`alter table ${table} add column ${column} bigint not null default 0`).execute(db)
}
