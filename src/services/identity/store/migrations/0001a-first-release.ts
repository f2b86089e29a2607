import { sql, type Kysely } from 'kysely'
import type { Engine } from '../../../../platform/db/database.ts'
import { addColumn, runStatements, type Migration } from '../../../../platform/db/migrate.ts'
import { initial } from './0001-initial.ts'

/** What the first step has made since, in tables that the first release had already. */
const columns = [
  ['projects', 'tokens_valid_after bigint not null default 0'],
  ['users', 'created_at bigint not null default 0'],
  ['users', 'last_active_at bigint'],
  ['users', 'password_created_at bigint'],
  ['users', 'password_self_service integer not null default 0'],
  ['users', 'failed_auth_count integer not null default 0'],
  ['users', 'failed_auth_at bigint'],
  ['application_credentials', 'is_limited integer not null default 0'],
] as const

/**
 * 0.1.0 recorded the first step when it made less than it does now. Its databases get the rest; all others have it.
 * Tokens that were revoked stay so.
 */
export const firstRelease: Migration = {
  name: '0001a-first-release',
  async up(db, engine) {
    for (const [table, definition] of columns) await addColumn(db, engine, table, definition)
    await initial.up(db, engine)
    // When they were made is not known; nobody counts as inactive since 1970.
    await sql`update users set created_at = ${Date.now()} where created_at = 0`.execute(db)
    if (await hasTable(db, 'revoked_tokens')) await keepRevocations(db, engine)
  },
}

const hasTable = async (db: Kysely<never>, name: string) =>
  (await db.introspection.getTables()).some((table) => table.name === name)

async function keepRevocations(db: Kysely<never>, engine: Engine): Promise<void> {
  await sql`insert into revocation_events (id, audit_id, revoked_at) select audit_id, audit_id, ${Date.now()}
    from revoked_tokens where audit_id not in (select id from revocation_events)`.execute(db)
  await runStatements(db, engine, 'drop table revoked_tokens;')
}
