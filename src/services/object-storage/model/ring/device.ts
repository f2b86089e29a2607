/** Devices of a ring, and the tiers that each is in: region, zone, server, device. */

/** As ring and builder files name it. */
export interface Device {
  id: number
  region: number
  zone: number
  ip: string
  port: number
  replication_ip?: string
  replication_port?: number
  device: string
  weight: number
  meta: string
  /** How many parts it has, and how many more it should have; of builders only. */
  parts: number
  parts_wanted?: number
}

/** A place in the tree of failure domains. Those of a shape are told apart by their key. */
export interface Tier {
  readonly key: string
  readonly path: readonly (number | string)[]
}

const tierOf = (path: readonly (number | string)[]): Tier => ({ key: path.join(' '), path })

/** The whole cluster. */
export const root: Tier = tierOf([])

/** Its region, zone, server and itself. */
export const tiersOf = ({ region, zone, ip, id }: Device): readonly Tier[] => [
  tierOf([region]),
  tierOf([region, zone]),
  tierOf([region, zone, ip]),
  tierOf([region, zone, ip, id]),
]

/** The order of Python's tuples. */
export function compareTiers(a: Tier, b: Tier): number {
  for (let at = 0; at < Math.min(a.path.length, b.path.length); at++) {
    const left = a.path[at]!
    const right = b.path[at]!
    if (left !== right) return left < right ? -1 : 1
  }
  return a.path.length - b.path.length
}

/** Which tiers are directly below one, by its key. */
export function childrenOf(devices: Iterable<Device>): ReadonlyMap<string, readonly Tier[]> {
  const children = new Map<string, Map<string, Tier>>()
  for (const device of devices) {
    let parent = root
    for (const tier of tiersOf(device)) {
      const known = children.get(parent.key) ?? new Map<string, Tier>()
      children.set(parent.key, known.set(tier.key, tier))
      parent = tier
    }
  }
  return new Map([...children].map(([key, tiers]) => [key, [...tiers.values()]]))
}

/** `r1z2-10.0.0.1/sdb` */
export const nameOf = ({
  region,
  zone,
  ip,
  device,
}: Omit<Device, 'parts' | 'weight' | 'meta' | 'port' | 'id'>): string => `r${region}z${zone}-${ip}/${device}`
