import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

const schema = `
create table if not exists projects (
  id varchar(64) primary key, name varchar(64) not null, domain_id varchar(64) not null, parent_id varchar(64),
  is_domain integer not null, enabled integer not null, description text not null, options text not null, extra text not null,
  unique (domain_id, name, is_domain)
);
create table if not exists project_tags (project_id varchar(64) not null, tag varchar(255) not null, primary key (project_id, tag));
create table if not exists users (
  id varchar(64) primary key, name varchar(255) not null, domain_id varchar(64) not null, default_project_id varchar(64),
  enabled integer not null, options text not null, extra text not null, password_hash varchar(255),
  password_expires_at bigint, tokens_valid_after bigint not null, unique (domain_id, name)
);
create table if not exists groups (
  id varchar(64) primary key, name varchar(64) not null, domain_id varchar(64) not null, description text not null,
  extra text not null, unique (domain_id, name)
);
create table if not exists memberships (
  user_id varchar(64) not null, group_id varchar(64) not null, primary key (user_id, group_id)
);
create table if not exists roles (
  id varchar(64) primary key, name varchar(255) not null, domain_id varchar(64) not null, description text,
  options text not null, extra text not null, unique (domain_id, name)
);
create table if not exists implied_roles (
  prior_role_id varchar(64) not null, implied_role_id varchar(64) not null, primary key (prior_role_id, implied_role_id)
);
create table if not exists assignments (
  actor_type varchar(8) not null, actor_id varchar(64) not null, target_type varchar(8) not null,
  target_id varchar(64) not null, role_id varchar(64) not null, inherited integer not null,
  primary key (actor_id, target_id, role_id, inherited, target_type)
);
create table if not exists regions (
  id varchar(255) primary key, description varchar(255) not null, parent_region_id varchar(255), extra text not null
);
create table if not exists services (
  id varchar(64) primary key, type varchar(255) not null, name varchar(255), description text, enabled integer not null,
  extra text not null
);
create table if not exists endpoints (
  id varchar(64) primary key, service_id varchar(64) not null, region_id varchar(255), interface varchar(8) not null,
  url text not null, enabled integer not null, name varchar(255), extra text not null
);
create table if not exists application_credentials (
  id varchar(64) primary key, name varchar(255) not null, user_id varchar(64) not null, project_id varchar(64) not null,
  secret_hash varchar(255) not null, description text, expires_at bigint, unrestricted integer not null, roles text not null,
  unique (user_id, name)
);
create table if not exists registered_limits (
  id varchar(64) primary key, service_id varchar(64) not null, region_id varchar(255) not null,
  resource_name varchar(255) not null, default_limit bigint not null, description text,
  unique (service_id, region_id, resource_name)
);
create table if not exists limits (
  id varchar(64) primary key, project_id varchar(64) not null, domain_id varchar(64) not null, service_id varchar(64) not null,
  region_id varchar(255) not null, resource_name varchar(255) not null, resource_limit bigint not null, description text,
  unique (project_id, domain_id, service_id, region_id, resource_name)
);
create table if not exists revoked_tokens (audit_id varchar(64) primary key, expires_at bigint not null);
`

export const initial: Migration = { name: '0001-initial', up: (db, engine) => runStatements(db, engine, schema) }
