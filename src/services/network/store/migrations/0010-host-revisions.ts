import type { Kysely } from 'kysely'
import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'
import { upsert } from '../../../../platform/db/upsert.ts'

const schema = `create table if not exists host_revisions (host varchar(255) primary key, revision bigint not null);
create table if not exists security_group_members (
  port_id varchar(36) not null, security_group_id varchar(36) not null, host_id varchar(255) not null,
  primary key (port_id, security_group_id)
);
create index if not exists members_of_group on security_group_members (security_group_id, host_id);
create index if not exists hosts_of_network on ports (network_id, host_id);
create index if not exists rules_with_remote_group on security_group_rules (remote_group_id);
create index if not exists rules_with_address_group on security_group_rules (remote_address_group_id);
`

const rowsAtOnce = 500

/** The tables as this step finds and makes them. */
interface Tables {
  revisions: { name: string; value: number }
  host_revisions: { host: string; revision: number }
  ports: { id: string; host_id: string; security_groups: string }
  security_group_members: { port_id: string; security_group_id: string; host_id: string }
}

/** Each host has a revision of its own, and a group knows its ports. What agents have followed so far stays what they have. */
export const hostRevisions: Migration = {
  name: '0010-host-revisions',
  async up(db, engine) {
    await runStatements(db, engine, schema)
    const tables = db as unknown as Kysely<Tables>
    const now = await tables.selectFrom('revisions').select('value').where('name', '=', 'host-state').executeTakeFirst()
    await upsert(tables, engine, 'host_revisions', ['host'], { host: '', revision: Number(now?.value ?? 0) })
    const ports = await tables.selectFrom('ports').select(['id', 'host_id', 'security_groups']).execute()
    // A run that was cut left some.
    await tables.deleteFrom('security_group_members').execute()
    const members = ports.flatMap(({ id, host_id, security_groups: groups }) =>
      [...new Set(JSON.parse(groups) as string[])].map((group) => ({ port_id: id, security_group_id: group, host_id })),
    )
    for (let at = 0; at < members.length; at += rowsAtOnce) {
      const some = members.slice(at, at + rowsAtOnce)
      await tables.insertInto('security_group_members').values(some).execute()
    }
  },
}
