/** The standard resource classes in upstream's order (os-resource-classes). */
export const standardClasses: readonly string[] = [
  'VCPU',
  'MEMORY_MB',
  'DISK_GB',
  'PCI_DEVICE',
  'SRIOV_NET_VF',
  'NUMA_SOCKET',
  'NUMA_CORE',
  'NUMA_THREAD',
  'NUMA_MEMORY_MB',
  'IPV4_ADDRESS',
  'VGPU',
  'VGPU_DISPLAY_HEAD',
  'NET_BW_EGR_KILOBIT_PER_SEC',
  'NET_BW_IGR_KILOBIT_PER_SEC',
  'PCPU',
  'MEM_ENCRYPTION_CONTEXT',
  'FPGA',
  'PGPU',
  'NET_PACKET_RATE_KILOPACKET_PER_SEC',
  'NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC',
  'NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC',
]

const ranks = new Map(standardClasses.map((name, index) => [name, index]))

/** True for a class that nobody made and nobody can rename or delete. */
export const isStandardClass = (name: string): boolean => ranks.has(name)

/** Standard classes in their order, then custom ones by name. */
export function compareClasses(a: string, b: string): number {
  const rank = (name: string) => ranks.get(name) ?? ranks.size
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0)
}
