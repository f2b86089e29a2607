import type { LockSchema } from '../../../platform/db/owner-lock.ts'
import type { PeriodicSchema } from '../../../platform/periodic/periodic.ts'
import type { SagaSchema } from '../../../platform/saga/records.ts'

/** Times are milliseconds since the epoch; columns called *_json hold JSON texts. */
export interface ComputeSchema extends SagaSchema, PeriodicSchema, LockSchema {
  flavors: FlavorTable
  flavor_access: { flavor_id: string; project_id: string }
  keypairs: KeypairTable
  servers: ServerTable
  server_actions: ServerActionTable
  server_groups: ServerGroupTable
  services: ServiceTable
  compute_nodes: ComputeNodeTable
  aggregates: AggregateTable
  quotas: { project_id: string; resource: string; hard_limit: number }
  /** One row per project that creates servers: its lock makes quota checks exact on MariaDB. */
  console_tokens: ConsoleTokenTable
  config_drives: { server_id: string; random_seed: string; vendor_data_json: string }
  server_passwords: { server_id: string; password: string }
  /** One row: which control plane this is. Another or an empty database has another id. */
  cloud_identity: { id: string; only_row: number }
  /** The agent that speaks for a host, by the id that it keeps. */
  compute_agents: ComputeAgentTable
  /** What remains of deleted servers when their rows are purged: the proof that lets a host remove what it has of them. */
  deleted_servers: { id: string; deleted_at: number }
}

export interface ComputeAgentTable {
  host: string
  agent_id: string
  registered_at: number
}

export interface FlavorTable {
  id: string
  name: string
  vcpus: number
  memory_mb: number
  root_gb: number
  ephemeral_gb: number
  swap_mb: number
  rxtx_factor: number
  is_public: number
  description: string | null
  extra_specs_json: string
  created_at: number
}

export interface KeypairTable {
  user_id: string
  name: string
  seq: number
  type: string
  public_key: string
  fingerprint: string
  created_at: number
}

export interface ServerTable {
  id: string
  seq: number
  project_id: string
  user_id: string
  name: string
  hostname: string
  description: string | null
  vm_state: string
  task_state: string | null
  task_since: number | null
  power_state: number
  launch_index: number
  reservation_id: string
  flavor_json: string
  flavor_id: string
  vcpus: number
  memory_mb: number
  image_id: string | null
  image_json: string | null
  key_name: string | null
  keys_json: string
  user_data: string | null
  /** Only until the config drive with it has been written. */
  admin_pass: string | null
  config_drive: number
  auto_disk_config: number
  /** Null for none. */
  injected_files_json: string | null
  zone: string | null
  pinned_zone: string | null
  host: string | null
  node: string | null
  /** The host that the scheduler chose; `host` is set when it is told to start the guest. */
  scheduled_host: string | null
  security_groups_json: string
  metadata_json: string
  /** `,a,b,`: tags cannot contain commas. */
  tags: string
  ports_json: string
  group_id: string | null
  given_ports_json: string
  access_ipv4: string | null
  access_ipv6: string | null
  locked_by: string | null
  locked_reason: string | null
  fault_code: number | null
  fault_message: string | null
  fault_details: string | null
  fault_at: number | null
  desired_power: string
  revision: number
  reboot_generation: number
  reboot_type: string
  reported_revision: number
  reported_power: string | null
  reported_error_json: string | null
  reported_reboot: number
  /** Hosts where its build failed; null for none. */
  tried_hosts_json: string | null
  /** The request whose action is under way. */
  request_id: string | null
  /** 1 while a host that was down at the delete may still have the guest. */
  is_leftover: number
  created_at: number
  updated_at: number
  launched_at: number | null
  terminated_at: number | null
  deleted_at: number | null
}

export interface ServerActionTable {
  server_id: string
  request_id: string
  action: string
  user_id: string
  project_id: string
  start_at: number
  updated_at: number
  finish_at: number | null
  message: string | null
  events_json: string
}

export interface ServerGroupTable {
  id: string
  seq: number
  project_id: string
  user_id: string
  name: string
  policy: string
  rules_json: string
  created_at: number
}

export interface ServiceTable {
  id: string
  seq: number
  host: string
  binary_name: string
  is_disabled: number
  disabled_reason: string | null
  is_forced_down: number
  last_seen_at: number
  created_at: number
  updated_at: number
}

export interface ComputeNodeTable {
  id: string
  seq: number
  host: string
  report_json: string
  /** Of the report that placement has; empty until it has one. */
  synced_json: string
  updated_at: number
}

export interface AggregateTable {
  id: number
  uuid: string
  name: string
  zone: string | null
  metadata_json: string
  hosts_json: string
  created_at: number
  updated_at: number | null
}

export interface ConsoleTokenTable {
  token_hash: string
  server_id: string
  host: string
  type: string
  expires_at: number
}
