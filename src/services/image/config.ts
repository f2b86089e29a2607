import { existsSync, readFileSync } from 'node:fs'
import { ConfigError, loadConfig } from '../../platform/config/config.ts'
import { readIni } from '../../platform/config/ini.ts'
import { commonOptions } from '../../platform/config/common.ts'
import { option, type OptionDeclaration, type Values } from '../../platform/config/options.ts'
import { databaseOptions, timelineOptions } from '../../platform/db/options.ts'
import type { StoreType } from './stores/store.ts'

/** Options of glance-api.conf. */
export const options = {
  ...commonOptions,
  publicEndpoint: option.string(
    'DEFAULT',
    'public_endpoint',
    '',
    'URL that links begin with; empty for the own address.',
  ),
  connection: option.string(
    'database',
    'connection',
    '',
    'SQLAlchemy URL of the database; empty for the embedded one.',
  ),
  ...databaseOptions,
  ...timelineOptions,
  imageSizeCap: option.integer('DEFAULT', 'image_size_cap', 1_099_511_627_776, 'Largest image in bytes.', { min: 1 }),
  userStorageQuota: option.integer(
    'DEFAULT',
    'user_storage_quota',
    0,
    'Bytes that the images of one project may take; 0 for no limit.',
    { min: 0 },
  ),
  useKeystoneLimits: option.boolean(
    'DEFAULT',
    'use_keystone_limits',
    false,
    "Obey keystone's unified limits image_size_total, image_stage_total (MiB), image_count_total, image_count_uploading.",
  ),
  propertyQuota: option.integer('DEFAULT', 'image_property_quota', 128, 'Properties of an image; -1 for no limit.'),
  tagQuota: option.integer('DEFAULT', 'image_tag_quota', 128, 'Tags of an image; -1 for no limit.'),
  memberQuota: option.integer('DEFAULT', 'image_member_quota', 128, 'Members of an image; -1 for no limit.'),
  locationQuota: option.integer('DEFAULT', 'image_location_quota', 10, 'Locations of an image; -1 for no limit.'),
  limitDefault: option.integer('DEFAULT', 'limit_param_default', 25, 'Images of a page unless asked for more.', {
    min: 1,
  }),
  limitMax: option.integer('DEFAULT', 'api_limit_max', 1000, 'Most images of a page.', { min: 1 }),
  hashingAlgorithm: option.string('DEFAULT', 'hashing_algorithm', 'sha512', 'Algorithm of os_hash_value.', {
    choices: ['sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-512', 'blake2b512'],
  }),
  doSecureHash: option.boolean(
    'DEFAULT',
    'do_secure_hash',
    true,
    'Hash the data of locations that are added, and compare with what the caller says.',
  ),
  showMultipleLocations: option.boolean(
    'DEFAULT',
    'show_multiple_locations',
    false,
    'Show the locations of images and let PATCH change them.',
  ),
  showDirectUrl: option.boolean('DEFAULT', 'show_image_direct_url', false, 'Show direct_url, the first location.'),
  delayedDelete: option.boolean(
    'DEFAULT',
    'delayed_delete',
    false,
    'Leave the data of deleted images to the scrubber.',
  ),
  scrubTime: option.integer('DEFAULT', 'scrub_time', 0, 'Seconds that the data of a deleted image stays.', { min: 0 }),
  propertyProtectionFile: option.string(
    'DEFAULT',
    'property_protection_file',
    '',
    'Who may create, read, update and delete which custom property; empty for everybody.',
  ),
  propertyProtectionFormat: option.string(
    'DEFAULT',
    'property_protection_rule_format',
    'roles',
    'What the property protection file names.',
    { choices: ['roles', 'policies'] },
  ),
  importMethods: option.list(
    'DEFAULT',
    'enabled_import_methods',
    ['glance-direct', 'web-download', 'copy-image', 'glance-download'],
    'Import methods that users may use.',
  ),
  /** As deployments with one store write it; it is the folder of file stores that name none themselves. */
  storeFolder: option.string(
    'glance_store',
    'filesystem_store_datadir',
    '',
    'Folder of the images; empty for the state directory.',
  ),
  enabledBackends: option.list(
    'DEFAULT',
    'enabled_backends',
    ['file:file'],
    'Stores as id:type; types are file, http, swift.',
  ),
  nodeStagingUri: option.string(
    'DEFAULT',
    'node_staging_uri',
    '',
    'Folder of staged data as file:///path; empty for the state directory.',
  ),
  imageCacheDir: option.string(
    'DEFAULT',
    'image_cache_dir',
    '',
    'Folder of the image cache; empty for the state directory.',
  ),
  imageCacheMaxSize: option.integer(
    'DEFAULT',
    'image_cache_max_size',
    10 * 2 ** 30,
    'Bytes that the pruner leaves in the cache.',
    {
      min: 0,
    },
  ),
  imageCacheStallTime: option.integer(
    'DEFAULT',
    'image_cache_stall_time',
    86_400,
    'Seconds after which an unfinished cache file is dead.',
    {
      min: 0,
    },
  ),
  defaultBackend: option.string('glance_store', 'default_backend', '', 'Store of uploads that name none.'),
  datadir: option.string(
    'glance_store',
    'filesystem_store_datadir',
    '',
    'Folder of the file store; empty for the state directory.',
  ),
  stagingDir: option.string(
    'os_glance_staging_store',
    'filesystem_store_datadir',
    '',
    'Folder of staged data; empty for node_staging_uri.',
  ),
  requireFormatMatch: option.boolean(
    'image_format',
    'require_image_format_match',
    true,
    'Refuse data that is not what its disk_format says.',
  ),
  gptChecksNonfatal: option.boolean(
    'image_format',
    'gpt_safety_checks_nonfatal',
    true,
    'Accept disks whose protective MBR is not exact.',
  ),
  diskFormats: option.list(
    'image_format',
    'disk_formats',
    ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop', 'gpt', 'luks'],
    'Values that disk_format may have.',
  ),
  containerFormats: option.list(
    'image_format',
    'container_formats',
    ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'],
    'Values that container_format may have.',
  ),
  allowedSchemes: option.list(
    'import_filtering_opts',
    'allowed_schemes',
    ['http', 'https'],
    'Schemes of web-download.',
  ),
  disallowedSchemes: option.list('import_filtering_opts', 'disallowed_schemes', [], 'Schemes refused by web-download.'),
  allowedHosts: option.list('import_filtering_opts', 'allowed_hosts', [], 'Hosts of web-download; empty for all.'),
  disallowedHosts: option.list('import_filtering_opts', 'disallowed_hosts', [], 'Hosts refused by web-download.'),
  allowedPorts: option.list(
    'import_filtering_opts',
    'allowed_ports',
    ['80', '443'],
    'Ports of web-download; empty for all.',
  ),
  disallowedPorts: option.list('import_filtering_opts', 'disallowed_ports', [], 'Ports refused by web-download.'),
  allowedNetworks: option.list(
    'import_filtering_opts',
    'allowed_networks',
    [],
    'Local, private and reserved networks (CIDR) that web-download may reach; without this it reaches none of them.',
  ),
  maxRedirects: option.integer('import_filtering_opts', 'max_redirects', 5, 'Redirects that web-download follows.', {
    min: 0,
  }),
  downloadTimeout: option.integer(
    'import_filtering_opts',
    'download_timeout',
    6 * 3600,
    'Seconds that a download may take.',
    {
      min: 1,
    },
  ),
  importPlugins: option.list(
    'image_import_opts',
    'image_import_plugins',
    [],
    'Steps of an import, in this order: image_decompression, image_conversion, inject_image_metadata, no_op.',
  ),
  conversionFormat: option.string('image_conversion', 'output_format', 'raw', 'Format that imports are converted to.', {
    choices: ['qcow2', 'raw', 'vmdk'],
  }),
  injectIgnoreRoles: option.list(
    'inject_metadata_properties',
    'ignore_user_roles',
    ['admin'],
    'Roles whose imports get no injected properties.',
  ),
  injectProperties: option.list('inject_metadata_properties', 'inject', [], 'Properties to inject, as name:value.'),
  downloadProperties: option.list(
    'glance_download_properties',
    'extra_properties',
    ['hw_', 'trait:', 'os_distro', 'os_secure_boot', 'os_type'],
    'Prefixes of the properties that glance-download takes over.',
  ),
  taskTimeToLive: option.integer('task', 'task_time_to_live', 48, 'Hours that an ended task can be seen.', { min: 1 }),
}

export type ImageConfig = Values<typeof options> & { readonly backends: readonly BackendConfig[] }

/** One store as configured in its own section. */
export interface BackendConfig {
  readonly id: string
  readonly type: StoreType
  readonly values: Readonly<Record<string, string>>
}

const backendOptions: Record<StoreType, readonly string[]> = {
  file: ['filesystem_store_datadir', 'store_description', 'weight'],
  http: ['store_description', 'weight'],
  swift: [
    'store_description',
    'weight',
    'swift_store_auth_address',
    'swift_store_user',
    'swift_store_key',
    'swift_store_user_domain_id',
    'swift_store_project_domain_id',
    'swift_store_region',
    'swift_store_container',
    'swift_store_create_container_on_put',
    'swift_store_large_object_size',
    'swift_store_large_object_chunk_size',
    'swift_store_endpoint',
  ],
}

/** Reads the configuration, the sections of the stores included. Throws ConfigError. */
export function readImageConfig(files: readonly string[], remark?: (text: string) => void): ImageConfig {
  const { backends, others } = readBackends(files)
  for (const { id, type } of others)
    remark?.(`[DEFAULT] enabled_backends: ${id}:${type} is left out: there are no stores of the type ${type} here`)
  const declarations: Record<string, OptionDeclaration> = { ...(options as Record<string, OptionDeclaration>) }
  for (const { id, type } of backends) {
    for (const name of backendOptions[type]) {
      const secret = name.endsWith('_key')
      declarations[`${id}/${name}`] = { ...option.string(id, name, '', ''), ...(secret && { type: 'secret' as const }) }
    }
  }
  const values = loadConfig('glance', declarations, files, remark) as Record<string, unknown>
  // Two stores never share a folder.
  const isOnly = backends.filter(({ type }) => type === 'file').length === 1
  const of: Readonly<Record<string, unknown>> = isOnly ? { filesystem_store_datadir: values['storeFolder'] } : {}
  const wanted = String(values['defaultBackend'])
  if (others.some(({ id }) => id === wanted || backends.length === 0)) {
    throw new ConfigError(
      `[DEFAULT] enabled_backends: the default store '${wanted}' has no known type, use ${Object.keys(backendOptions).join(', ')}`,
    )
  }
  const stripped = Object.fromEntries(Object.keys(options).map((key) => [key, values[key]]))
  return {
    ...(stripped as Values<typeof options>),
    backends: backends.map(({ id, type }) => ({
      id,
      type,
      values: Object.fromEntries(
        backendOptions[type].map((name) => [name, String(values[`${id}/${name}`] || (of[name] ?? ''))]),
      ),
    })),
  }
}

/** Upstream's stores that are not built. */
const otherTypes = ['cinder', 'gridfs', 'rbd', 's3', 'sheepdog', 'vmware']

interface Backends {
  backends: { id: string; type: StoreType }[]
  /** Of types that are not built. */
  others: { id: string; type: string }[]
}

function readBackends(files: readonly string[]): Backends {
  const entries = files
    .filter((file) => existsSync(file))
    .flatMap((file) => readIni(readFileSync(file, 'utf8'), file).entries)
    .filter((entry) => entry.section === 'DEFAULT' && entry.name === 'enabled_backends')
  const text = entries.at(-1)?.values.at(-1) ?? options.enabledBackends.default.join(',')
  const all = text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map((each) => {
      const [id = '', type = ''] = each.split(':').map((part) => part.trim())
      if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(id) || id.startsWith('os_glance_'))
        throw new ConfigError(`[DEFAULT] enabled_backends: '${id}' cannot be the name of a store`)
      if (!Object.hasOwn(backendOptions, type) && !otherTypes.includes(type))
        throw new ConfigError(
          `[DEFAULT] enabled_backends: '${each}' has no known type, use ${Object.keys(backendOptions).join(', ')}`,
        )
      return { id, type }
    })
  const isBuilt = (each: { id: string; type: string }): each is { id: string; type: StoreType } =>
    Object.hasOwn(backendOptions, each.type)
  return { backends: all.filter(isBuilt), others: all.filter((each) => !isBuilt(each)) }
}
