import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

const schema = `
create table if not exists identity_providers (
  id varchar(64) primary key, enabled integer not null, description text, domain_id varchar(64) not null,
  authorization_ttl integer
);
create table if not exists idp_remote_ids (remote_id varchar(255) primary key, idp_id varchar(64) not null);
create table if not exists federation_protocols (
  id varchar(64) not null, idp_id varchar(64) not null, mapping_id varchar(64) not null,
  remote_id_attribute varchar(64), primary key (idp_id, id)
);
create table if not exists mappings (id varchar(64) primary key, rules text not null, schema_version varchar(5) not null);
create table if not exists service_providers (
  id varchar(64) primary key, enabled integer not null, description text, auth_url varchar(256) not null,
  sp_url varchar(256) not null, relay_state_prefix varchar(256) not null
);
create table if not exists federated_users (
  user_id varchar(64) not null, idp_id varchar(64) not null, protocol_id varchar(64) not null,
  unique_id varchar(255) not null, display_name varchar(255) not null, is_shadow integer not null,
  primary key (idp_id, protocol_id, unique_id)
);
create index if not exists federated_users_user on federated_users (user_id);
create table if not exists expiring_memberships (
  user_id varchar(64) not null, group_id varchar(64) not null, idp_id varchar(64) not null,
  expires_at bigint not null, primary key (user_id, group_id, idp_id)
);
create index if not exists expiring_memberships_group on expiring_memberships (group_id);
create index if not exists expiring_memberships_end on expiring_memberships (expires_at);
create table if not exists consumers (
  id varchar(64) primary key, secret varchar(64) not null, description varchar(255), extra text not null
);
create table if not exists request_tokens (
  id varchar(64) primary key, secret varchar(64) not null, consumer_id varchar(64) not null,
  requested_project_id varchar(64) not null, expires_at bigint, verifier varchar(64), authorizing_user_id varchar(64),
  role_ids text
);
create table if not exists access_tokens (
  id varchar(64) primary key, secret varchar(64) not null, consumer_id varchar(64) not null,
  authorizing_user_id varchar(64) not null, project_id varchar(64) not null, role_ids text not null, expires_at bigint
);
create index if not exists access_tokens_user on access_tokens (authorizing_user_id);
create table if not exists id_mappings (
  public_id varchar(64) primary key, domain_id varchar(64) not null, local_id varchar(255) not null,
  entity_type varchar(8) not null, unique (domain_id, local_id, entity_type)
);
`

export const federation: Migration = { name: '0003-federation', up: (db, engine) => runStatements(db, engine, schema) }
