/** What nova knows of extra specs of flavors since 2.86. Source: nova/api/validation/extra_specs. */
import { LinearRegex } from '../../../base/linear-regex.ts'

/** Why a value is wrong; undefined when it is right. */
type Check = (value: string) => string | undefined

const anything: Check = () => undefined
const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value) ? undefined : `'${value}' is not one of: ${words.join(', ')}.`
const flag: Check = (value) =>
  /^(1|t|true|on|y|yes|0|f|false|off|n|no)$/i.test(value.trim())
    ? undefined
    : `'${value}' is not a valid boolean-like value.`
const matching = (source: string): Check => {
  // Some of nova's patterns stall engines that go back; users' values go through one that does not.
  const whole = new LinearRegex(`^(?:${source})$`, { isCaseSensitive: true })
  return (value) => (whole.test(value) ? undefined : `'${value}' is not of the format '${source}'.`)
}
const count =
  (min = -Infinity, max = Infinity): Check =>
  (value) => {
    if (!/^[+-]?\d+$/.test(value.trim())) return `'${value}' is not a valid integer value.`
    const number = Number(value)
    if (number > max) return `'${number}' is greater than the max value of '${max}'.`
    return number < min ? `'${number}' is less than the min value of '${min}'.` : undefined
  }

const cpuSet = matching('\\^?\\d+((-\\d+)?(,\\^?\\d+(-\\d+)?)?)*')
const hw: Record<string, Check> = {
  cpu_realtime: flag,
  cpu_realtime_mask: cpuSet,
  hide_hypervisor_id: flag,
  cpu_policy: oneOf('dedicated', 'shared', 'mixed'),
  cpu_thread_policy: oneOf('prefer', 'isolate', 'require'),
  emulator_threads_policy: oneOf('isolate', 'share'),
  cpu_dedicated_mask: cpuSet,
  mem_page_size: matching('(large|small|any|\\d+([kKMGT]i?)?(b|bit|B)?)'),
  locked_memory: flag,
  numa_nodes: count(1),
  pci_numa_affinity_policy: oneOf('required', 'preferred', 'legacy', 'socket'),
  cpu_sockets: count(1),
  cpu_cores: count(1),
  cpu_threads: count(1),
  cpu_max_sockets: count(1),
  cpu_max_cores: count(1),
  cpu_max_threads: count(1),
  boot_menu: flag,
  vif_multiqueue_enabled: flag,
  mem_encryption: flag,
  mem_encryption_model: oneOf('amd-sev', 'amd-sev-es', 'amd-sev-snp'),
  pmem: matching('([a-zA-Z0-9_]+(,)?)+'),
  pmu: flag,
  serial_port_count: count(0),
  tpm_model: oneOf('tpm-tis', 'tpm-crb'),
  tpm_version: oneOf('1.2', '2.0'),
  tpm_secret_security: oneOf('user', 'host', 'deployment'),
  watchdog_action: oneOf('none', 'pause', 'poweroff', 'reset', 'disabled'),
  viommu_model: oneOf('intel', 'smmuv3', 'virtio', 'auto'),
  virtio_packed_ring: flag,
  sound_model: oneOf('sb16', 'es1370', 'pcspk', 'ac97', 'ich6', 'ich9', 'usb', 'virtio'),
  usb_model: oneOf('none', 'nec-xhci', 'qemu-xhci'),
  redirected_usb_ports: count(0, 15),
  ephemeral_encryption: flag,
  ephemeral_encryption_format: oneOf('plain', 'luks', 'luksv2'),
}
const limits = ['cpu', 'memory', 'disk_io', 'vif'].flatMap((key): [string, Check][] => [
  [`${key}_limit`, count(0)],
  [`${key}_reservation`, count()],
  [`${key}_shares_level`, oneOf('custom', 'high', 'normal', 'low')],
  [`${key}_shares_share`, count(0)],
])
const rates = [
  ...['read', 'write', 'total'].flatMap((stat) => [`disk_${stat}_bytes_sec`, `disk_${stat}_iops_sec`]),
  ...['inbound', 'outbound'].flatMap((stat) => ['average', 'peak', 'burst'].map((each) => `vif_${stat}_${each}`)),
]
const quota: Record<string, Check> = {
  cpu_shares: count(0),
  cpu_period: count(0),
  cpu_quota: count(),
  ...Object.fromEntries(limits),
  ...Object.fromEntries(rates.map((name) => [name, count(0)])),
}
const capabilities = [
  'id uuid service_id host vcpus memory_mb local_gb vcpus_used memory_mb_used local_gb_used hypervisor_type',
  'hypervisor_version hypervisor_hostname free_ram_mb free_disk_gb current_workload running_vms disk_available_least',
  'host_ip mapped cpu_allocation_ratio ram_allocation_ratio disk_allocation_ratio total_usable_ram_mb',
  'total_usable_disk_gb disk_mb_used free_disk_mb vcpus_total num_instances num_io_ops failed_builds aggregates',
  'cell_uuid updated',
].flatMap((line) => line.split(' '))

const spaces: Record<string, Record<string, Check>> = {
  hw,
  quota,
  os: { secure_boot: oneOf('disabled', 'required') },
  accel: { device_profile: anything },
  capabilities: Object.fromEntries(capabilities.map((name) => [name, anything])),
  hw_rng: { allowed: flag, rate_bytes: count(0), rate_period: count(0) },
  hw_video: { ram_max_mb: count(0) },
  pci_passthrough: { alias: matching('[^:]+:\\d+(?:\\s*,\\s*[^:]+:\\d+)*') },
  vmware: { hw_version: anything, storage_policy: anything },
  aggregate_instance_extra_specs: {},
}
const plain: Record<string, Check> = { hide_hypervisor_id: flag, group_policy: oneOf('isolate', 'none') }

/** Names with a part that the user chooses. */
const families: readonly (readonly [name: RegExp, check: Check])[] = [
  [/^hw:numa_cpus\.\d+$/, cpuSet],
  [/^hw:numa_mem\.\d+$/, count(1)],
  [/^aggregate_instance_extra_specs:.+$/, anything],
  [
    /^capabilities:(cpu_info|metrics|stats|numa_topology|supported_hv_specs|pci_device_pools|nodename|pci_stats|supported_instances|limits|instances)(:\w+)*$/,
    anything,
  ],
  [/^resources[a-zA-Z0-9_-]{0,64}:[A-Z0-9_]+$/, count()],
  [/^trait[a-zA-Z0-9_-]{0,64}:[A-Z0-9_]+$/, oneOf('required', 'forbidden')],
]
const grouped = /^(resources|trait)[a-zA-Z0-9_-]{0,64}:/

/** Why nova refuses an extra spec; names outside its own namespaces are the operator's affair. */
export function extraSpecProblem(name: string, value: string): string | undefined {
  const colon = name.indexOf(':')
  const [space, key] = colon < 0 ? ['', name] : [name.slice(0, colon), name.slice(colon + 1)]
  const known = space === '' ? plain : Object.hasOwn(spaces, space) ? spaces[space]! : {}
  const check = Object.hasOwn(known, key) ? known[key]! : families.find(([pattern]) => pattern.test(name))?.[1]
  if (check) return check(value)
  if (colon < 0 || !(Object.hasOwn(spaces, space) || grouped.test(name))) return undefined
  return `extra spec '${name}' does not appear to be a valid extra spec.`
}

/** The standard trait or resource class that an extra spec names: placement knows which there are. */
export function standardNameOf(name: string): { kind: 'traits' | 'resource_classes'; name: string } | undefined {
  const found = /^(resources|trait)[a-zA-Z0-9_-]{0,64}:(?!CUSTOM_)([A-Z0-9_]+)$/.exec(name)
  return found ? { kind: found[1] === 'trait' ? 'traits' : 'resource_classes', name: found[2]! } : undefined
}
