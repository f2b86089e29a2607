import { sql, type Kysely } from 'kysely'
import type { Engine } from '../../../../platform/db/database.ts'
import { addColumn, runStatements, type Migration } from '../../../../platform/db/migrate.ts'

const common = `id varchar(36) primary key, project_id varchar(255) not null, name varchar(255) not null,
  description varchar(255) not null, created_at bigint not null, updated_at bigint not null, revision bigint not null`

const schema = `
create table if not exists subnet_pools (${common},
  ip_version integer not null, prefixes text not null, default_prefixlen integer not null, min_prefixlen integer not null,
  max_prefixlen integer not null, default_quota bigint, address_scope_id varchar(36), is_default integer not null,
  shared integer not null
);
create table if not exists address_scopes (${common}, ip_version integer not null, shared integer not null);
create table if not exists tags (
  resource_type varchar(64) not null, resource_id varchar(36) not null, tag varchar(255) not null,
  primary key (resource_type, resource_id, tag)
);
create table if not exists auto_topologies (
  project_id varchar(255) primary key, network_id varchar(36) not null, router_id varchar(36) not null
);
create table if not exists default_rules (
  id varchar(36) primary key, description varchar(255) not null, direction varchar(8) not null, ethertype varchar(8) not null,
  protocol varchar(32), port_range_min integer, port_range_max integer, remote_ip_prefix varchar(64),
  remote_group_id varchar(36), used_in_default_sg integer not null, used_in_non_default_sg integer not null
);
`

/** What every new group begins with: all may leave; into the default group its members may enter. */
const firstRules = (['IPv4', 'IPv6'] as const).flatMap((ethertype, index) => [
  { id: `00000000-0000-4000-8000-00000000000${2 * index}`, ethertype, direction: 'egress', remote: null, other: 1 },
  {
    id: `00000000-0000-4000-8000-00000000000${2 * index + 1}`,
    ethertype,
    direction: 'ingress',
    remote: 'PARENT',
    other: 0,
  },
])

async function up(db: Kysely<never>, engine: Engine): Promise<void> {
  await runStatements(db, engine, schema)
  await addColumn(db, engine, 'subnets', 'subnetpool_id varchar(36)')
  await addColumn(db, engine, 'ports', 'dns_name varchar(255)')
  await addColumn(db, engine, 'networks', 'dns_domain varchar(255)')
  const { rows } = await sql<{ id: string }>`select id from default_rules`.execute(db)
  const known = new Set(rows.map(({ id }) => id))
  for (const { id, ethertype, direction, remote, other } of firstRules.filter((rule) => !known.has(rule.id))) {
    await sql`insert into default_rules (id, description, direction, ethertype, remote_group_id, used_in_default_sg,
      used_in_non_default_sg) values (${id}, '', ${direction}, ${ethertype}, ${remote}, 1, ${other})`.execute(db)
  }
}

export const poolsAndTags: Migration = { name: '0002-pools-and-tags', up }
