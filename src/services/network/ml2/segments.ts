/** Type drivers: which segment a new network gets, and how much of the MTU its tunnel takes. */
import type { NetworkDeps } from '../deps.ts'
import { badRequest, conflict, noSegment } from '../errors.ts'
import { listRows, type NetworkDb } from '../store/rows.ts'
import { firstFreeId, parseTunnelRanges, parseVlanRanges } from './ranges.ts'

export interface Segment {
  network_type: string
  physical_network: string | null
  segmentation_id: number | null
}

/** Kinds of tunnels: what a header takes, the largest number, where the ranges are. */
const tunnels = {
  vxlan: { overhead: 50, largest: 2 ** 24 - 1, ranges: (deps: NetworkDeps) => deps.config.vniRanges },
  geneve: { overhead: 50, largest: 2 ** 24 - 1, ranges: (deps: NetworkDeps) => deps.config.geneveRanges },
  gre: { overhead: 42, largest: 2 ** 32 - 1, ranges: (deps: NetworkDeps) => deps.config.greRanges },
} as const
type Tunnel = keyof typeof tunnels
const isTunnel = (type: string): type is Tunnel => Object.hasOwn(tunnels, type)

/** Bytes that are left for guests. */
export const mtuOf = (type: string, physical: number): number =>
  isTunnel(type) ? physical - tunnels[type].overhead : physical

/** The segment of a network that a user makes: the first tenant type with a free one. */
export async function tenantSegment(tx: NetworkDb, deps: NetworkDeps): Promise<Segment> {
  const types = deps.config.tenantNetworkTypes
  for (const type of types) {
    if (type === 'local') return { network_type: 'local', physical_network: null, segmentation_id: null }
    const free = isTunnel(type) ? await freeTunnel(tx, deps, type) : undefined
    if (free !== undefined) return { network_type: type, physical_network: null, segmentation_id: free }
    const vlan = type === 'vlan' ? await freeVlan(tx, deps) : undefined
    if (vlan) return vlan
  }
  throw noSegment('tenant')
}

/** The segment that an administrator asks for. Throws 400 on what no type driver can do and 409 on what is taken. */
export async function providerSegment(tx: NetworkDb, deps: NetworkDeps, ask: Segment): Promise<Segment> {
  const { network_type: type, physical_network: physical, segmentation_id: id } = ask
  if (!deps.config.typeDrivers.includes(type))
    throw badRequest('InvalidInput', `Invalid input for operation: network_type value '${type}' not supported.`)
  const taken = (await listRows(tx, 'networks', { network_type: type })).find(
    (row) => row.physical_network === physical && (type === 'flat' || row.segmentation_id === id) && type !== 'local',
  )
  switch (type) {
    case 'local':
      return { network_type: type, physical_network: null, segmentation_id: null }
    case 'flat': {
      const known = deps.config.flatNetworks
      if (physical === null)
        throw badRequest(
          'InvalidInput',
          'Invalid input for operation: physical_network required for flat provider network.',
        )
      if (!known.includes('*') && !known.includes(physical))
        throw badRequest(
          'InvalidInput',
          `Invalid input for operation: physical_network '${physical}' unknown for flat provider network.`,
        )
      if (taken)
        throw conflict('FlatNetworkInUse', `Unable to create the flat network. Physical network ${physical} is in use.`)
      return { network_type: type, physical_network: physical, segmentation_id: null }
    }
    case 'vxlan':
    case 'geneve':
    case 'gre': {
      const { largest } = tunnels[type]
      if (physical !== null)
        throw badRequest(
          'InvalidInput',
          `Invalid input for operation: provider:physical_network specified for ${type} network.`,
        )
      if (id !== null && (id < 1 || id > largest))
        throw badRequest('InvalidInput', `Invalid input for operation: segmentation_id ${id} is not a ${type} id.`)
      if (id !== null && taken)
        throw conflict('TunnelIdInUse', `Unable to create the network. The tunnel ID ${id} is in use.`)
      const segment = id ?? (await freeTunnel(tx, deps, type))
      if (segment === undefined) throw noSegment(type)
      return { network_type: type, physical_network: null, segmentation_id: segment }
    }
    case 'vlan': {
      if (physical === null) {
        const free = await freeVlan(tx, deps)
        if (!free) throw noSegment('vlan')
        return free
      }
      if (id === null || id < 1 || id > 4094)
        throw badRequest('InvalidInput', `Invalid input for operation: segmentation_id out of range (1 through 4094).`)
      if (taken)
        throw conflict(
          'VlanIdInUse',
          `Unable to create the network. The VLAN ${id} on physical network ${physical} is in use.`,
        )
      return { network_type: type, physical_network: physical, segmentation_id: id }
    }
    default:
      throw badRequest('InvalidInput', `Invalid input for operation: network_type value '${type}' not supported.`)
  }
}

async function freeTunnel(tx: NetworkDb, deps: NetworkDeps, type: Tunnel): Promise<number | undefined> {
  const { largest, ranges } = tunnels[type]
  const taken = new Set(
    (await listRows(tx, 'networks', { network_type: type })).map((row) => Number(row.segmentation_id)),
  )
  return firstFreeId(
    ranges(deps).flatMap((range) => parseTunnelRanges(range, largest)),
    taken,
  )
}

async function freeVlan(tx: NetworkDb, { config }: NetworkDeps): Promise<Segment | undefined> {
  const used = await listRows(tx, 'networks', { network_type: 'vlan' })
  for (const [physical, ranges] of parseVlanRanges(config.vlanRanges.join(','))) {
    const taken = new Set(
      used.filter((row) => row.physical_network === physical).map((row) => Number(row.segmentation_id)),
    )
    const id = firstFreeId(ranges, taken)
    if (id !== undefined) return { network_type: 'vlan', physical_network: physical, segmentation_id: id }
  }
  return undefined
}
