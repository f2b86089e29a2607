import { sql, type Kysely } from 'kysely'
import type { Engine } from '../../../../platform/db/database.ts'
import { addColumn, runStatements, type Migration } from '../../../../platform/db/migrate.ts'

const schema = `
create table if not exists address_groups (id varchar(36) primary key, project_id varchar(255) not null,
  name varchar(255) not null, description varchar(1024) not null, created_at bigint not null, updated_at bigint not null,
  revision bigint not null, addresses text not null
);
create table if not exists port_bindings (
  port_id varchar(36) not null, host varchar(255) not null, vif_type varchar(64) not null, vnic_type varchar(64) not null,
  profile text not null, primary key (port_id, host)
);
`

const indexes = {
  ports_of_network: 'ports (network_id)',
  ports_of_host: 'ports (host_id)',
  networks_of_project: 'networks (project_id)',
  subnets_of_pool: 'subnets (subnetpool_id)',
  security_groups_of_project: 'security_groups (project_id)',
  rules_of_project: 'security_group_rules (project_id)',
  floating_ips_of_port: 'floating_ips (port_id)',
  floating_ips_of_router: 'floating_ips (router_id)',
  floating_ips_of_project: 'floating_ips (project_id)',
}

async function up(db: Kysely<never>, engine: Engine): Promise<void> {
  await runStatements(db, engine, schema)
  await addColumn(db, engine, 'subnets', 'service_types varchar(2000)')
  await addColumn(db, engine, 'security_group_rules', 'remote_address_group_id varchar(36)')
  await addColumn(db, engine, 'default_rules', 'remote_address_group_id varchar(36)')
  await addColumn(db, engine, 'floating_ips', 'dns_name varchar(255)')
  await addColumn(db, engine, 'floating_ips', 'dns_domain varchar(255)')
  await addColumn(db, engine, 'networks', 'zone_hints varchar(1024)')
  await addColumn(db, engine, 'routers', 'zone_hints varchar(1024)')
  for (const [name, columns] of Object.entries(indexes)) await addIndex(db, name, columns)
}

async function addIndex(db: Kysely<never>, name: string, columns: string): Promise<void> {
  try {
    await sql.raw(`create index ${name} on ${columns}`).execute(db)
  } catch (error) {
    if (!/already exists|duplicate key name/i.test(String(error))) throw error
  }
}

export const addressGroupsAndBindings: Migration = { name: '0003-address-groups-and-bindings', up }
