import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

const tables = `
create table if not exists cloud_identity (id varchar(36) primary key, only_row integer not null unique);
create table if not exists compute_agents (
  host varchar(255) primary key, agent_id varchar(36) not null unique, registered_at bigint not null
);
create table if not exists deleted_servers (id varchar(36) primary key, deleted_at bigint not null);
`

/**
 * Who speaks for which host, which control plane this is, and which servers were deleted: what an agent must know
 * before it removes anything.
 */
export const hostIdentities: Migration = {
  name: '0005-host-identities',
  async up(db, engine) {
    await runStatements(db, engine, tables)
    const ignore = sql.raw(engine === 'mysql' ? 'insert ignore into' : 'insert or ignore into')
    await sql`${ignore} cloud_identity (id, only_row) values (${randomUUID()}, 1)`.execute(db)
    await sql`${ignore} deleted_servers (id, deleted_at)
      select id, deleted_at from servers where deleted_at is not null`.execute(db)
  },
}
