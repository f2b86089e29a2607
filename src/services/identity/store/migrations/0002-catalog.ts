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
  id varchar(64) primary key, type varchar(255) not null, content text not null, extra text not null
);
create table if not exists policy_associations (
  policy_id varchar(64) not null, endpoint_id varchar(64) not null, service_id varchar(64) not null,
  region_id varchar(255) not null, primary key (endpoint_id, service_id, region_id)
);
create table if not exists domain_options (
  domain_id varchar(64) not null, section varchar(255) not null, name varchar(255) not null, value text not null,
  is_sensitive integer not null, primary key (domain_id, section, name)
);
create index if not exists assignments_role on assignments (role_id);
create index if not exists endpoints_service on endpoints (service_id);
create index if not exists endpoints_region on endpoints (region_id);
create index if not exists regions_parent on regions (parent_region_id);
create index if not exists implied_roles_implied on implied_roles (implied_role_id);
create index if not exists policy_associations_policy on policy_associations (policy_id);
`

/** Endpoint filters, policies, domain configurations, and indexes for the listings. */
export const catalog: Migration = { name: '0002-catalog', up: (db, engine) => runStatements(db, engine, schema) }
