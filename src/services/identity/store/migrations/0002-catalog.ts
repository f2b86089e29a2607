import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

const schema = `
create table if not exists endpoint_groups (
  id varchar(64) primary key, name varchar(255) not null, description text, filters text not null
);
create table if not exists project_endpoints (
  project_id varchar(64) not null, endpoint_id varchar(64) not null, primary key (project_id, endpoint_id)
);
create table if not exists project_endpoint_groups (
  project_id varchar(64) not null, endpoint_group_id varchar(64) not null, primary key (project_id, endpoint_group_id)
);
create table if not exists policies (
  id varchar(64) primary key, type varchar(255) not null, blob text not null, extra text not null
);
create table if not exists policy_associations (
  policy_id varchar(64) not null, endpoint_id varchar(64) not null, service_id varchar(64) not null,
  region_id varchar(255) not null, primary key (endpoint_id, service_id, region_id)
);
create table if not exists domain_options (
  domain_id varchar(64) not null, section varchar(255) not null, name varchar(255) not null, value text not null,
  sensitive integer not null, primary key (domain_id, section, name)
);
`

const indexes = [
  ['assignments', 'ix_assignments_target', 'target_id'],
  ['assignments', 'ix_assignments_role', 'role_id'],
  ['memberships', 'ix_memberships_group', 'group_id'],
  ['projects', 'ix_projects_parent', 'parent_id'],
  ['endpoints', 'ix_endpoints_service', 'service_id'],
  ['endpoints', 'ix_endpoints_region', 'region_id'],
  ['regions', 'ix_regions_parent', 'parent_region_id'],
  ['implied_roles', 'ix_implied_roles_implied', 'implied_role_id'],
  ['policy_associations', 'ix_policy_associations_policy', 'policy_id'],
] as const

/** Endpoint filters, policies, domain configurations, and indexes for the listings. */
export const catalog: Migration = {
  name: '0002-catalog',
  async up(db, engine) {
    await runStatements(db, engine, engine === 'mysql' ? schema.replace(' blob text', ' `blob` text') : schema)
    for (const [table, name, column] of indexes) {
      // MySQL has no "if not exists" for indexes, and a step that was cut runs once more.
      const create = db.schema.createIndex(name).on(table).column(column)
      await (engine === 'mysql' ? create.execute().catch(ignoreExisting) : create.ifNotExists().execute())
    }
  },
}

const ignoreExisting = (error: unknown) => {
  if ((error as { code?: string }).code !== 'ER_DUP_KEYNAME') throw error
}
