import type { Migration } from '../../../../platform/db/migrate.ts'
import { runStatements } from '../../../../platform/db/migrate.ts'
import { sagaTables } from '../../../../platform/saga/records.ts'

const tables = `
create table if not exists flavors (
  id varchar(255) primary key, name varchar(255) not null unique, vcpus integer not null, memory_mb integer not null,
  root_gb integer not null, ephemeral_gb integer not null, swap_mb integer not null, rxtx_factor double not null,
  is_public integer not null, description text, extra_specs_json text not null, created_at bigint not null
);
create table if not exists flavor_access (
  flavor_id varchar(255) not null, project_id varchar(255) not null, primary key (flavor_id, project_id)
);
create table if not exists keypairs (
  user_id varchar(255) not null, name varchar(255) not null, seq bigint not null, type varchar(16) not null,
  public_key text not null, fingerprint varchar(255) not null, created_at bigint not null, primary key (user_id, name)
);
create table if not exists servers (
  id varchar(36) primary key, seq bigint not null, project_id varchar(255) not null, user_id varchar(255) not null,
  name varchar(255) not null, hostname varchar(255) not null, description varchar(255), vm_state varchar(32) not null,
  task_state varchar(64), task_since bigint, power_state integer not null, launch_index integer not null,
  reservation_id varchar(32) not null, flavor_json text not null, flavor_id varchar(255) not null,
  vcpus integer not null, memory_mb integer not null, image_id varchar(36), image_json text, key_name varchar(255),
  keys_json text not null, user_data text, admin_pass varchar(255), config_drive integer not null, zone varchar(255),
  pinned_zone varchar(255), host varchar(255), node varchar(255), security_groups_json text not null,
  metadata_json text not null, tags varchar(4000) not null, ports_json text not null, given_ports_json text not null, group_id varchar(36),
  access_ipv4 varchar(64), access_ipv6 varchar(64), locked_by varchar(16), locked_reason varchar(255),
  fault_code integer, fault_message text, fault_details text, fault_at bigint, desired_power varchar(16) not null,
  revision bigint not null, reboot_generation bigint not null, reboot_type varchar(8) not null,
  reported_revision bigint not null, reported_power varchar(16), reported_error_json text,
  reported_reboot bigint not null, request_id varchar(64), is_leftover integer not null, created_at bigint not null,
  updated_at bigint not null, launched_at bigint, terminated_at bigint, deleted_at bigint
);
create index servers_project on servers (project_id, deleted_at, created_at);
create index servers_created on servers (deleted_at, created_at);
create index servers_host on servers (host, deleted_at);
create index servers_group on servers (group_id);
create table if not exists server_actions (
  server_id varchar(36) not null, request_id varchar(64) not null, action varchar(64) not null,
  user_id varchar(255) not null, project_id varchar(255) not null, start_at bigint not null, updated_at bigint not null,
  finish_at bigint, message varchar(255), events_json text not null, primary key (server_id, request_id)
);
create table if not exists server_groups (
  id varchar(36) primary key, seq bigint not null, project_id varchar(255) not null, user_id varchar(255) not null,
  name varchar(255) not null, policy varchar(32) not null, rules_json text not null, created_at bigint not null
);
create table if not exists services (
  id varchar(36) primary key, seq bigint not null unique, host varchar(255) not null, binary_name varchar(64) not null,
  is_disabled integer not null, disabled_reason varchar(255), is_forced_down integer not null,
  last_seen_at bigint not null, created_at bigint not null, updated_at bigint not null, unique (host, binary_name)
);
create table if not exists compute_nodes (
  id varchar(36) primary key, seq bigint not null unique, host varchar(255) not null unique, report_json text not null,
  synced_json text not null, updated_at bigint not null
);
create table if not exists aggregates (
  id integer primary key, uuid varchar(36) not null, name varchar(255) not null unique, zone varchar(255),
  metadata_json text not null, hosts_json text not null, created_at bigint not null, updated_at bigint
);
create table if not exists quotas (
  project_id varchar(255) not null, resource varchar(64) not null, hard_limit integer not null,
  primary key (project_id, resource)
);
create table if not exists quota_locks (project_id varchar(255) primary key, touched_at bigint not null);
create table if not exists console_tokens (
  token_hash varchar(64) primary key, server_id varchar(36) not null, host varchar(255) not null,
  type varchar(16) not null, expires_at bigint not null
);
create index console_tokens_server on console_tokens (server_id);
`

export const initial: Migration = {
  name: '0001-initial',
  up: (db, engine) => runStatements(db, engine, sagaTables + tables),
}
