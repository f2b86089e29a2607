import { commonOptions } from '../../platform/config/common.ts'
import { option } from '../../platform/config/options.ts'
import { databaseOptions, timelineOptions } from '../../platform/db/options.ts'
import { loadConfig } from '../../platform/config/config.ts'
import { filterNames } from './scheduler/filters.ts'

/** nova.conf: upstream's sections, names and defaults. */
export const options = {
  ...commonOptions,
  databaseUrl: option.string('database', 'connection', '', 'SQLAlchemy URL of the database.'),
  ...databaseOptions,
  ...timelineOptions,
  maxLimit: option.integer('api', 'max_limit', 1000, 'Most items of one page of a list.', { min: 1 }),
  serviceDownTime: option.integer(
    'DEFAULT',
    'service_down_time',
    60,
    'Seconds after the last heartbeat until a service is down.',
    { min: 1 },
  ),
  defaultZone: option.string(
    'DEFAULT',
    'default_availability_zone',
    'nova',
    'Zone of hosts that no aggregate puts into another.',
  ),
  defaultScheduleZone: option.string(
    'DEFAULT',
    'default_schedule_zone',
    '',
    'Zone of servers that ask for none; empty for any.',
  ),
  internalZone: option.string('DEFAULT', 'internal_service_availability_zone', 'internal', 'Zone of control services.'),
  cpuRatio: option.float('DEFAULT', 'initial_cpu_allocation_ratio', 4, 'Virtual CPUs per physical one of a new host.', {
    min: 0,
  }),
  ramRatio: option.float('DEFAULT', 'initial_ram_allocation_ratio', 1, 'Memory allocation ratio of a new host.', {
    min: 0,
  }),
  diskRatio: option.float('DEFAULT', 'initial_disk_allocation_ratio', 1, 'Disk allocation ratio of a new host.', {
    min: 0,
  }),
  cpuRatioOfAll: option.float('DEFAULT', 'cpu_allocation_ratio', 0, 'As above, of all hosts at any time; 0: not set.', {
    min: 0,
  }),
  ramRatioOfAll: option.float('DEFAULT', 'ram_allocation_ratio', 0, 'Likewise.', { min: 0 }),
  diskRatioOfAll: option.float('DEFAULT', 'disk_allocation_ratio', 0, 'Likewise.', { min: 0 }),
  enabledFilters: option.list(
    'filter_scheduler',
    'enabled_filters',
    filterNames,
    'Filters that a host must pass to take a server; what a build itself needs is always checked.',
  ),
  reservedMemoryMb: option.integer('DEFAULT', 'reserved_host_memory_mb', 512, 'Memory kept for the host.', { min: 0 }),
  reservedDiskMb: option.integer('DEFAULT', 'reserved_host_disk_mb', 0, 'Disk kept for the host.', { min: 0 }),
  reservedCpus: option.integer('DEFAULT', 'reserved_host_cpus', 0, 'CPUs kept for the host.', { min: 0 }),
  buildTimeout: option.integer(
    'DEFAULT',
    'instance_build_timeout',
    600,
    'Seconds until a build that does not get on fails.',
    { min: 1 },
  ),
  vifPluggingTimeout: option.integer(
    'DEFAULT',
    'vif_plugging_timeout',
    300,
    'Seconds to wait until neutron has wired the ports of a new server; 0 waits for the build timeout only.',
    { min: 0 },
  ),
  vifPluggingIsFatal: option.boolean(
    'DEFAULT',
    'vif_plugging_is_fatal',
    true,
    'A build whose ports are not wired in time fails.',
  ),
  taskTimeout: option.integer(
    'DEFAULT',
    'reboot_timeout',
    300,
    'Seconds until a power action that does not get on is given up.',
    { min: 0 },
  ),
  deleteTimeout: option.integer(
    'DEFAULT',
    'destroy_timeout',
    120,
    'Seconds to wait until a host has removed a guest.',
    { min: 1 },
  ),
  forceConfigDrive: option.boolean('DEFAULT', 'force_config_drive', false, 'Every server gets a config drive.'),
  configDriveFormat: option.string('DEFAULT', 'config_drive_format', 'iso9660', 'File system of config drives.', {
    choices: ['iso9660', 'vfat'],
  }),
  configDriveSkipVersions: option.string(
    'api',
    'config_drive_skip_versions',
    '1.0 2007-01-19 2007-03-01 2007-08-29 2007-10-10 2007-12-15 2008-02-01 2008-09-01',
    'EC2 versions that config drives leave out, separated by spaces.',
  ),
  dhcpDomain: option.string('api', 'dhcp_domain', 'novalocal', 'Domain of the hostname in the metadata; may be empty.'),
  metadataCacheExpiration: option.integer(
    'api',
    'metadata_cache_expiration',
    15,
    'Seconds that metadata are kept for the next question of the same guest; 0 keeps none.',
    { min: 0 },
  ),
  vendordataProviders: option.list(
    'api',
    'vendordata_providers',
    ['StaticJSON'],
    'Where vendordata come from: StaticJSON, DynamicJSON.',
  ),
  vendordataFile: option.string('api', 'vendordata_jsonfile_path', '', 'JSON file that every guest can read.'),
  vendordataTargets: option.list(
    'api',
    'vendordata_dynamic_targets',
    [],
    'NAME@URL of programs to ask for vendordata.',
  ),
  vendordataCertificate: option.string(
    'api',
    'vendordata_dynamic_ssl_certfile',
    '',
    'Certificates that those programs are checked with, in place of the common ones.',
  ),
  vendordataConnectTimeout: option.integer(
    'api',
    'vendordata_dynamic_connect_timeout',
    5,
    'Seconds to wait for a connection to them.',
    { min: 3 },
  ),
  vendordataReadTimeout: option.integer(
    'api',
    'vendordata_dynamic_read_timeout',
    5,
    'Seconds to wait for their answer.',
    { min: 0 },
  ),
  vendordataIsFatal: option.boolean(
    'api',
    'vendordata_dynamic_failure_fatal',
    false,
    'A program that does not answer fails the build of a server with a config drive.',
  ),
  metadataItems: option.integer('quota', 'metadata_items', 128, 'Metadata items of one server.'),
  maxAttempts: option.integer('scheduler', 'max_attempts', 3, 'Hosts that are tried for one build.', { min: 1 }),
  maxCandidates: option.integer('scheduler', 'max_placement_results', 1000, 'Most candidates asked of placement.', {
    min: 1,
  }),
  consoleTtl: option.integer('consoleauth', 'token_ttl', 600, 'Seconds that a console token is good.', { min: 0 }),
  instanceNameTemplate: option.string('DEFAULT', 'instance_name_template', 'instance-%08x', 'Name of the guest.'),
  quotaInstances: option.integer('quota', 'instances', 10, 'Servers of a project.', { min: -1 }),
  quotaCores: option.integer('quota', 'cores', 20, 'Virtual CPUs of a project.', { min: -1 }),
  quotaRam: option.integer('quota', 'ram', 51200, 'MiB of memory of a project.', { min: -1 }),
  quotaKeyPairs: option.integer('quota', 'key_pairs', 100, 'Keypairs of a user.', { min: -1 }),
  quotaServerGroups: option.integer('quota', 'server_groups', 10, 'Server groups of a project.', { min: -1 }),
  quotaServerGroupMembers: option.integer('quota', 'server_group_members', 10, 'Servers of a server group.', {
    min: -1,
  }),
} as const

export type ComputeConfig = ReturnType<typeof loadComputeConfig>

/** Reads the configuration; throws ConfigError that names the option and the remedy. */
export function loadComputeConfig(files: readonly string[], remark?: (text: string) => void) {
  const config = loadConfig('nova', options, files, remark)
  // Those of nova's own defaults whose work placement does here are nothing that is missed.
  const unknown = config.enabledFilters.filter((name) => !filterNames.includes(name) && !doneByPlacement.has(name))
  for (const name of unknown)
    remark?.(`[filter_scheduler] enabled_filters: ${name} is not built; it keeps no host away`)
  return config
}

const doneByPlacement = new Set(
  (
    'AggregateCoreFilter AggregateDiskFilter AggregateRamFilter CoreFilter DiskFilter RamFilter ' +
    'ExactCoreFilter ExactDiskFilter ExactRamFilter AllHostsFilter'
  ).split(' '),
)
