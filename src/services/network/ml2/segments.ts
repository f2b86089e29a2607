/** Type drivers: which segment a new network gets, and how much of the MTU its tunnel takes. */
import type { NetworkDeps } from '../deps.ts'
import { conflict, invalidInput, noSegment } from '../errors.ts'
import { takenSegmentationIds } from '../store/segments.ts'
import { listRows, parseList, type NetworkDb } from '../store/rows.ts'
import { typesOf, usualTypes } from './binding.ts'
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
  throw noSegment()
}

/** The segment that an administrator asks for. Throws 400 on what no type driver can do and 409 on what is taken. */
export async function providerSegment(tx: NetworkDb, deps: NetworkDeps, ask: Segment): Promise<Segment> {
  const { network_type: type } = ask
  if (!deps.config.typeDrivers.includes(type)) throw invalidInput(`network_type value '${type}' not supported`)
  await requireWiring(tx, type)
  if (isTunnel(type)) return tunnelSegment(tx, deps, type, ask)
  switch (type) {
    case 'local':
      return localSegment(ask)
    case 'flat':
      return flatSegment(tx, deps, ask)
    case 'vlan':
      return vlanSegment(tx, deps, ask)
    default:
      throw invalidInput(`network_type value '${type}' not supported`)
  }
}

function localSegment(ask: Segment): Segment {
  for (const name of ['physical_network', 'segmentation_id'] as const)
    if (ask[name] !== null) throw invalidInput(`${name} prohibited for local provider network`)
  return ask
}

const sameSegment = (tx: NetworkDb, segment: Segment) =>
  listRows(tx, 'networks', segment).then((rows) => rows.length > 0)

async function flatSegment(tx: NetworkDb, { config }: NetworkDeps, ask: Segment): Promise<Segment> {
  const { physical_network: physical } = ask
  if (physical === null) throw invalidInput('physical_network required for flat provider network')
  if (ask.segmentation_id !== null) throw invalidInput('segmentation_id prohibited for flat provider network')
  if (!config.flatNetworks.includes('*') && !config.flatNetworks.includes(physical))
    throw invalidInput(`physical_network '${physical}' unknown for flat provider network`)
  const others = await listRows(tx, 'networks', { network_type: 'flat', physical_network: physical })
  if (others.length > 0)
    throw conflict('FlatNetworkInUse', `Unable to create the flat network. Physical network ${physical} is in use.`)
  return ask
}

async function tunnelSegment(tx: NetworkDb, deps: NetworkDeps, type: Tunnel, ask: Segment): Promise<Segment> {
  const { physical_network: physical, segmentation_id: id } = ask
  const { largest } = tunnels[type]
  if (physical !== null) throw invalidInput(`provider:physical_network specified for ${type} network`)
  if (id === null) {
    const free = await freeTunnel(tx, deps, type)
    if (free === undefined) throw noSegment()
    return { ...ask, segmentation_id: free }
  }
  if (id < 1 || id > largest) throw invalidInput(`segmentation_id out of range (1 through ${largest})`)
  if (await sameSegment(tx, ask))
    throw conflict('TunnelIdInUse', `Unable to create the network. The tunnel ID ${id} is in use.`)
  return ask
}

async function vlanSegment(tx: NetworkDb, deps: NetworkDeps, ask: Segment): Promise<Segment> {
  const { physical_network: physical, segmentation_id: id } = ask
  if (physical === null && id !== null)
    throw invalidInput('segmentation_id requires physical_network for VLAN provider network')
  if (physical !== null && !(await vlanNetworks(tx, deps)).has(physical))
    throw invalidInput(`physical_network '${physical}' unknown for VLAN provider network`)
  if (id === null) {
    const free = await freeVlan(tx, deps, physical)
    if (!free) throw noSegment()
    return free
  }
  if (id < 1 || id > largestVlan) throw invalidInput(`segmentation_id out of range (1 through ${largestVlan})`)
  if (await sameSegment(tx, ask))
    throw conflict(
      'VlanIdInUse',
      `Unable to create the network. The VLAN ${id} on physical network ${physical} is in use.`,
    )
  return ask
}

const largestVlan = 4094

/** Physical networks that VLANs may be on: those of the configuration, and those that a host has a bridge for. */
async function vlanNetworks(tx: NetworkDb, { config }: NetworkDeps): Promise<ReadonlySet<string>> {
  const agents = await listRows(tx, 'agents', { agent_type: 'Linux bridge agent' })
  const mapped = agents.flatMap((agent) => parseList<string>(agent.mappings))
  return new Set([...parseVlanRanges(config.vlanRanges.join(',')).keys(), ...mapped])
}

/** A network that no host can wire would only make ports that cannot be bound: it is refused at once. */
async function requireWiring(tx: NetworkDb, type: string): Promise<void> {
  const agents = await listRows(tx, 'agents', { agent_type: 'Linux bridge agent' })
  const able = new Set(agents.length === 0 ? usualTypes : agents.flatMap(typesOf))
  if (!able.has(type))
    throw invalidInput(
      `network_type value '${type}' not supported: no agent can wire it, they can wire ${[...able].sort().join(', ')}`,
    )
}

async function freeTunnel(tx: NetworkDb, deps: NetworkDeps, type: Tunnel): Promise<number | undefined> {
  const { largest, ranges } = tunnels[type]
  const taken = await takenSegmentationIds(tx, type)
  return firstFreeId(
    ranges(deps).flatMap((range) => parseTunnelRanges(range, largest)),
    taken,
  )
}

async function freeVlan(
  tx: NetworkDb,
  { config }: NetworkDeps,
  only: string | null = null,
): Promise<Segment | undefined> {
  const used = await listRows(tx, 'networks', { network_type: 'vlan' })
  for (const [physical, ranges] of parseVlanRanges(config.vlanRanges.join(','))) {
    if (only !== null && physical !== only) continue
    const taken = new Set(
      used.filter((row) => row.physical_network === physical).map((row) => Number(row.segmentation_id)),
    )
    const id = firstFreeId(ranges, taken)
    if (id !== undefined) return { network_type: 'vlan', physical_network: physical, segmentation_id: id }
  }
  return undefined
}
