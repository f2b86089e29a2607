/** Query parameters of `GET /servers`. Source: nova/api/openstack/compute/schemas/servers.py (index_query). */
import { Type } from 'typebox'
import { bodies } from '../../../../platform/http/schema.ts'
import { looseQuery, many, paging, regex, strictQuery, text } from '../parameter-types.ts'

const sortKeys = [
  'access_ip_v4',
  'access_ip_v6',
  'auto_disk_config',
  'availability_zone',
  'config_drive',
  'created_at',
  'display_description',
  'display_name',
  'host',
  'hostname',
  'image_ref',
  'instance_type_id',
  'kernel_id',
  'key_name',
  'launch_index',
  'launched_at',
  'locked_by',
  'node',
  'power_state',
  'progress',
  'project_id',
  'ramdisk_id',
  'root_device_name',
  'task_state',
  'terminated_at',
  'updated_at',
  'user_id',
  'uuid',
  'vm_state',
]
/** They were sort keys once: until 2.75 they are taken and mean nothing. */
export const ignoredSortKeys = [
  'architecture',
  'cell_name',
  'cleaned',
  'default_ephemeral_device',
  'default_swap_device',
  'deleted',
  'deleted_at',
  'disable_terminate',
  'ephemeral_gb',
  'ephemeral_key_uuid',
  'id',
  'key_data',
  'launched_on',
  'memory_mb',
  'os_type',
  'reservation_id',
  'root_gb',
  'shutdown_terminate',
  'user_data',
  'vcpus',
  'vm_mode',
]
/** Of other tables: no filters. */
export const joinedParameters = [
  'block_device_mapping',
  'services',
  'metadata',
  'system_metadata',
  'info_cache',
  'security_groups',
  'pci_devices',
]

const named = (names: readonly string[], schema: typeof text) => Object.fromEntries(names.map((name) => [name, schema]))
const sortedBy = (keys: string[]) => ({ sort_key: many(Type.Enum(keys)) })

const initial = {
  ...named(
    ['user_id', 'project_id', 'tenant_id', 'launch_index', 'image_ref', 'image', 'vm_state', 'task_state'],
    text,
  ),
  ...named(['host', 'uuid', 'sort_dir', 'all_tenants', 'soft_deleted', 'deleted', 'status', ...joinedParameters], text),
  ...named(['kernel_id', 'ramdisk_id', 'hostname', 'key_name', 'power_state', 'node', 'flavor'], regex),
  ...named(['reservation_id', 'launched_at', 'terminated_at', 'availability_zone', 'name', 'display_name'], regex),
  ...named(['description', 'display_description', 'locked_by', 'root_device_name', 'config_drive'], regex),
  ...named(['access_ip_v4', 'access_ip_v6', 'auto_disk_config', 'progress', 'ip', 'ip6', 'created_at'], regex),
  ...sortedBy([...sortKeys, ...ignoredSortKeys, 'locked']),
  'changes-since': text,
  ...paging,
}
const tags = { ...initial, ...named(['tags', 'tags-any', 'not-tags', 'not-tags-any'], regex) }
const before = { ...tags, 'changes-before': text }
const locked = { ...before, locked: text }
const newest = { ...locked, ...sortedBy([...sortKeys, 'locked']) }

export const listQuery = bodies(looseQuery(newest), [
  ['initial', looseQuery(initial)],
  ['server-tags', looseQuery(tags)],
  ['changes-before', looseQuery(before)],
  ['server-locked-reason', looseQuery(locked)],
  // Names that begin with `_` get as far as the filters, which refuse them.
  [
    'cleanup',
    Type.Object(strictQuery(newest).properties, { additionalProperties: false, patternProperties: { '^_': text } }),
  ],
])
