/** What a server is made of. */
export interface Flavor {
  id: string
  name: string
  vcpus: number
  memoryMb: number
  rootGb: number
  ephemeralGb: number
  swapMb: number
  rxtxFactor: number
  isPublic: boolean
  description: string | null
  extraSpecs: Record<string, string>
}

/** Resource classes that one server of this flavor takes, without zeroes. */
export function resourcesOf(flavor: Pick<Flavor, 'vcpus' | 'memoryMb' | 'rootGb' | 'ephemeralGb' | 'swapMb'>) {
  const disk = flavor.rootGb + flavor.ephemeralGb + Math.ceil(flavor.swapMb / 1024)
  const all: [string, number][] = [
    ['VCPU', flavor.vcpus],
    ['MEMORY_MB', flavor.memoryMb],
    ['DISK_GB', disk],
  ]
  return Object.fromEntries(all.filter(([, amount]) => amount > 0))
}
