import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

const common = `id varchar(36) primary key, project_id varchar(255) not null, name varchar(255) not null,
  description varchar(255) not null, created_at bigint not null, updated_at bigint not null, revision bigint not null`

const schema = `
create table if not exists networks (${common},
  admin_state_up integer not null, shared integer not null, is_external integer not null, is_default integer not null,
  mtu integer not null, port_security_enabled integer not null, network_type varchar(32) not null,
  physical_network varchar(64), segmentation_id integer
);
create table if not exists subnets (${common},
  network_id varchar(36) not null, ip_version integer not null, cidr varchar(64) not null, gateway_ip varchar(64),
  enable_dhcp integer not null, pools text not null, dns_nameservers text not null, host_routes text not null,
  ipv6_ra_mode varchar(32), ipv6_address_mode varchar(32)
);
create index subnets_of_network on subnets (network_id);
create table if not exists ports (${common},
  network_id varchar(36) not null, mac_address varchar(32) not null, admin_state_up integer not null, status varchar(16) not null,
  device_id varchar(255) not null, device_owner varchar(255) not null, port_security_enabled integer not null,
  security_groups text not null, allowed_address_pairs text not null, extra_dhcp_opts text not null,
  host_id varchar(255) not null, vif_type varchar(64) not null, vnic_type varchar(64) not null, profile text not null,
  unique (network_id, mac_address)
);
create index ports_of_device on ports (device_id);
create index ports_of_project on ports (project_id);
create table if not exists ip_allocations (
  subnet_id varchar(36) not null, ip varchar(64) not null, port_id varchar(36) not null, network_id varchar(36) not null,
  primary key (subnet_id, ip)
);
create index allocations_of_port on ip_allocations (port_id);
create table if not exists security_groups (${common}, stateful integer not null, is_default integer not null);
create table if not exists security_group_rules (
  id varchar(36) primary key, project_id varchar(255) not null, security_group_id varchar(36) not null,
  description varchar(255) not null, direction varchar(8) not null, ethertype varchar(8) not null, protocol varchar(32),
  port_range_min integer, port_range_max integer, remote_ip_prefix varchar(64), remote_group_id varchar(36),
  created_at bigint not null, revision bigint not null
);
create index rules_of_group on security_group_rules (security_group_id);
create table if not exists routers (${common},
  admin_state_up integer not null, gateway_port_id varchar(36), gateway_network_id varchar(36), enable_snat integer not null,
  routes text not null
);
create table if not exists floating_ips (${common},
  floating_network_id varchar(36) not null, floating_port_id varchar(36) not null, floating_ip_address varchar(64) not null,
  port_id varchar(36), fixed_ip_address varchar(64), router_id varchar(36), status varchar(16) not null
);
create table if not exists agents (
  id varchar(36) primary key, agent_type varchar(64) not null, binary_name varchar(64) not null, host varchar(255) not null,
  admin_state_up integer not null, configurations text not null, heartbeat_at bigint not null, started_at bigint not null,
  created_at bigint not null, tunnel_ip varchar(64), mappings text not null, error text, description varchar(255) not null,
  unique (agent_type, host)
);
create table if not exists quotas (project_id varchar(255) not null, resource varchar(64) not null, value bigint not null, primary key (project_id, resource));
create table if not exists revisions (name varchar(32) primary key, value bigint not null);
create table if not exists timeline (
  id varchar(64) primary key, resource_id varchar(64) not null, request_id varchar(64), at bigint not null,
  what varchar(255) not null, outcome varchar(16) not null, duration_ms bigint, detail text
);
create index timeline_resource on timeline (resource_id, at);
`

export const initial: Migration = { name: '0001-initial', up: (db, engine) => runStatements(db, engine, schema) }
