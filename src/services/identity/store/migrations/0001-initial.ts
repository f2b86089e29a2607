import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

const schema = `
create table if not exists projects (
  id varchar(64) primary key, name varchar(64) not null, domain_id varchar(64) not null, parent_id varchar(64),
  is_domain integer not null, enabled integer not null, description text not null, options text not null, extra text not null,
  tokens_valid_after bigint not null, unique (domain_id, name, is_domain)
);
create table if not exists project_tags (project_id varchar(64) not null, tag varchar(255) not null, primary key (project_id, tag));
create table if not exists users (
  id varchar(64) primary key, name varchar(255) not null, domain_id varchar(64) not null, default_project_id varchar(64),
  enabled integer not null, options text not null, extra text not null, password_hash varchar(255),
  password_expires_at bigint, tokens_valid_after bigint not null, created_at bigint not null,
  last_active_at bigint, password_created_at bigint, password_self_service integer not null,
  failed_auth_count integer not null, failed_auth_at bigint, unique (domain_id, name)
);
create table if not exists password_history (
  user_id varchar(64) not null, created_at bigint not null, password_hash varchar(255) not null,
  primary key (user_id, created_at)
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
  is_limited integer not null, unique (user_id, name)
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
create table if not exists access_rules (
  id varchar(64) primary key, user_id varchar(64) not null, service varchar(64) not null, method varchar(16) not null,
  path varchar(225) not null, unique (user_id, service, method, path)
);
create table if not exists application_credential_access_rules (
  application_credential_id varchar(64) not null, access_rule_id varchar(64) not null,
  primary key (application_credential_id, access_rule_id)
);
create table if not exists trusts (
  id varchar(64) primary key, trustor_user_id varchar(64) not null, trustee_user_id varchar(64) not null,
  project_id varchar(64), impersonation integer not null, expires_at bigint, remaining_uses integer,
  redelegated_trust_id varchar(64), redelegation_count integer not null, roles text not null, deleted_at bigint,
  extra text not null
);
create index if not exists trusts_trustor on trusts (trustor_user_id);
create index if not exists trusts_trustee on trusts (trustee_user_id);
create table if not exists credentials (
  id varchar(64) primary key, user_id varchar(64) not null, project_id varchar(64), type varchar(255) not null,
  encrypted_blob text not null, key_hash varchar(64) not null, extra text not null
);
create index if not exists credentials_user on credentials (user_id, type);
create table if not exists revocation_events (
  id varchar(64) primary key, audit_id varchar(64), audit_chain_id varchar(64), user_id varchar(64),
  project_id varchar(64), domain_id varchar(64), trust_id varchar(64), consumer_id varchar(64),
  revoked_at bigint not null
);
create index if not exists revocation_events_audit on revocation_events (audit_id);
create index if not exists revocation_events_chain on revocation_events (audit_chain_id);
create index if not exists revocation_events_time on revocation_events (revoked_at);
create table if not exists changes (id integer primary key, count bigint not null);
create index if not exists assignments_target on assignments (target_id);
create index if not exists memberships_group on memberships (group_id);
create index if not exists projects_parent on projects (parent_id);
`

export const initial: Migration = { name: '0001-initial', up: (db, engine) => runStatements(db, engine, schema) }
