import type { Selectable } from 'kysely'
import type { Db } from '../../../platform/db/database.ts'
import type { PeriodicSchema } from '../../../platform/periodic/periodic.ts'
import type { RuleFields } from '../model/security-rule.ts'
import type { LockSchema } from '../../../platform/db/owner-lock.ts'
import type { SagaSchema } from '../../../platform/saga/records.ts'

/** Lists and objects are JSON texts; booleans 0 and 1; times milliseconds since the epoch. */
export interface Common {
  id: string
  project_id: string
  name: string
  description: string
  created_at: number
  updated_at: number
  revision: number
}

export interface NetworkSchema extends Pick<SagaSchema, 'timeline'>, PeriodicSchema, LockSchema {
  networks: Common & {
    admin_state_up: number
    shared: number
    is_external: number
    is_default: number
    mtu: number
    port_security_enabled: number
    network_type: string
    physical_network: string | null
    segmentation_id: number | null
    dns_domain: string | null
    zone_hints: string | null
  }
  subnets: Common & {
    network_id: string
    ip_version: number
    cidr: string
    gateway_ip: string | null
    enable_dhcp: number
    pools: string
    dns_nameservers: string
    host_routes: string
    ipv6_ra_mode: string | null
    ipv6_address_mode: string | null
    subnetpool_id: string | null
    service_types: string | null
  }
  ports: Common & {
    network_id: string
    mac_address: string
    admin_state_up: number
    status: string
    device_id: string
    device_owner: string
    port_security_enabled: number
    security_groups: string
    allowed_address_pairs: string
    extra_dhcp_opts: string
    host_id: string
    vif_type: string
    vnic_type: string
    profile: string
    dns_name: string | null
  }
  ip_allocations: { subnet_id: string; ip: string; port_id: string; network_id: string }
  security_groups: Common & { stateful: number; is_default: number }
  security_group_rules: RuleFields & {
    id: string
    project_id: string
    security_group_id: string
    description: string
    created_at: number
    revision: number
  }
  routers: Common & {
    admin_state_up: number
    gateway_port_id: string | null
    gateway_network_id: string | null
    enable_snat: number
    routes: string
    zone_hints: string | null
    /** Chosen by hand; null where it is for the scheduler. */
    host_id: string | null
  }
  floating_ips: Common & {
    floating_network_id: string
    floating_port_id: string
    floating_ip_address: string
    port_id: string | null
    fixed_ip_address: string | null
    router_id: string | null
    status: string
    dns_name: string | null
    dns_domain: string | null
  }
  agents: {
    id: string
    agent_type: string
    binary_name: string
    host: string
    admin_state_up: number
    configurations: string
    heartbeat_at: number
    started_at: number
    created_at: number
    tunnel_ip: string | null
    mappings: string
    error: string | null
    description: string
  }
  subnet_pools: Common & {
    ip_version: number
    prefixes: string
    default_prefixlen: number
    min_prefixlen: number
    max_prefixlen: number
    default_quota: number | null
    address_scope_id: string | null
    is_default: number
    shared: number
  }
  address_scopes: Common & { ip_version: number; shared: number }
  address_groups: Common & { addresses: string }
  /** `ports.security_groups` once more, to be asked from the other side: who is in a group, and on which hosts. */
  security_group_members: { port_id: string; security_group_id: string; host_id: string }
  /** What a port may become bound to, besides the binding in its own row, which is the active one. */
  port_bindings: { port_id: string; host: string; vif_type: string; vnic_type: string; profile: string }
  /** `resource_type` is the collection of the API: networks, security-groups, … */
  tags: { resource_type: string; resource_id: string; tag: string }
  auto_topologies: { project_id: string; network_id: string; router_id: string }
  /** What a new security group begins with; `remote_group_id` PARENT is the group itself. */
  default_rules: RuleFields & {
    id: string
    description: string
    used_in_default_sg: number
    used_in_non_default_sg: number
  }
  quotas: { project_id: string; resource: string; value: number }
  revisions: { name: string; value: number }
  /** When something last changed that a host follows; the host without a name is all of them. */
  host_revisions: { host: string; revision: number }
  /** One for each start of neutron-server, with the revision at which it began. */
  epochs: { seq: number; id: string; began_at: number }
}

export type NetworkDb = Db<NetworkSchema>
export type Table = Exclude<keyof NetworkSchema, 'timeline' | 'quota_locks'>
export type Row<T extends Table> = Selectable<NetworkSchema[T]>
