/** Ports of servers: made or bound before the guest starts, deleted or set free after it. */
import { RemoteError } from '../../../platform/http/client.ts'
import { BuildFailed } from '../errors.ts'
import type { ComputeDeps, NetworkApi, NetworkInfo, PortInfo } from '../deps.ts'
import type { PortSubnet, Server, ServerPort } from '../model/server.ts'
import { explainRefusal } from './port-refusals.ts'
import { findProgress, findServer, updateServer } from '../store/servers.ts'

/** One entry of `networks` in the request; validated there. */
export interface WantedPort {
  networkId: string | null
  portId: string | null
  fixedIp: string | null
  tag: string | null
  /** What the network was when the request was checked. */
  network?: Pick<NetworkInfo, 'name' | 'mtu' | 'portSecurityEnabled'>
}

interface Allocation {
  networks: WantedPort[] | 'auto' | 'none'
  securityGroupIds: string[]
  host: string
  mayHavePorts: boolean
  /** Ports of the server that are not for this allocation. */
  except?: readonly string[]
}

/** Makes or binds the ports that a server asked for. */
export async function allocatePorts(deps: ComputeDeps, server: Server, allocation: Allocation): Promise<ServerPort[]> {
  const { network } = deps
  if (allocation.networks === 'none') return []
  const wanted = allocation.networks === 'auto' ? await autoNetwork(deps, server) : allocation.networks
  const all = allocation.mayHavePorts ? await portsOf(network, server) : []
  const found = all.filter(({ id }) => !allocation.except?.includes(id))
  const owner = `compute:${server.pinnedZone ?? deps.config.defaultZone}`
  const binding = { deviceId: server.id, deviceOwner: owner, hostId: allocation.host }
  const bound: Bound[] = []
  for (const each of wanted) {
    const known = takeOut(found, (port) => (each.portId ? port.id === each.portId : port.networkId === each.networkId))
    const isOurs = each.portId === null
    const work = portFor(network, each, known, binding, server.projectId, allocation.securityGroupIds)
    const port = await work.catch((error: unknown) => {
      throw explainRefusal(error, each, server.id)
    })
    bound.push({ port, isOurs, tag: each.tag, network: each.network })
  }
  return describe(deps, bound)
}

type Binding = Pick<PortInfo, 'deviceId' | 'deviceOwner' | 'hostId'>

/** The port that is wanted, on this host: found, bound or made. */
async function portFor(
  network: NetworkApi,
  { portId, networkId, fixedIp, network: given }: WantedPort,
  known: PortInfo | undefined,
  binding: Binding,
  projectId: string,
  securityGroups: readonly string[],
): Promise<PortInfo> {
  if (known?.hostId === binding.hostId) return known
  if (known || portId) return network.updatePort(known?.id ?? portId!, binding)
  const takesGroups = securityGroups.length > 0 && given?.portSecurityEnabled !== false
  return network.createPort({
    ...binding,
    networkId: networkId!,
    projectId,
    ...(fixedIp && { fixedIp }),
    ...(takesGroups && { securityGroups }),
  })
}

/** The ports that name a server as their device; in other projects anybody may write that. */
const portsOf = async (network: NetworkApi, { id, projectId }: Server): Promise<PortInfo[]> =>
  (await network.listPorts({ deviceId: id })).filter((port) => port.projectId === projectId)

interface Bound {
  port: PortInfo
  isOurs: boolean
  tag: string | null
  network: WantedPort['network']
}

function takeOut<T>(list: T[], matches: (each: T) => boolean): T | undefined {
  const index = list.findIndex(matches)
  return index < 0 ? undefined : list.splice(index, 1)[0]
}

/** `auto`: the network that neutron makes for a project that has none. */
async function autoNetwork({ network }: ComputeDeps, { projectId }: Server): Promise<WantedPort[]> {
  const networkId = await network.autoAllocate(projectId).catch((cause: unknown) => {
    if (!(cause instanceof RemoteError) || cause.status !== 409) throw cause
    throw new BuildFailed(`Unable to automatically allocate a network for project ${projectId}`, cause.message, {
      isFinal: true,
    })
  })
  return [{ networkId, portId: null, fixedIp: null, tag: null }]
}

async function describe({ network, plugged }: ComputeDeps, bound: Bound[]): Promise<ServerPort[]> {
  if (bound.length === 0) return []
  // Only a port that was there before can have a floating IP.
  const given = bound.flatMap(({ port, isOurs }) => (isOurs ? [] : [port.id]))
  const unknown = bound.filter((each) => !each.network).map(({ port }) => port.networkId)
  const [networks, subnets, floating] = await Promise.all([
    unknown.length === 0 ? [] : network.listNetworks({ ids: [...new Set(unknown)] }),
    network.listSubnets([...new Set(bound.flatMap(({ port }) => port.fixedIps.map((ip) => ip.subnetId)))]),
    network.listFloatingIps(given),
  ])
  return bound.map((each) => {
    const floatingIps = floating.filter(({ portId }) => portId === each.port.id).map(({ address }) => address)
    const isActive = each.port.status === 'ACTIVE' || plugged.take(each.port.id)
    return { ...toServerPort(each, networks, subnets), isActive, ...(floatingIps.length > 0 && { floatingIps }) }
  })
}

function toServerPort(
  { port, isOurs, tag, network: known }: Bound,
  networks: NetworkInfo[],
  subnets: PortSubnet[],
): ServerPort {
  const network = known ?? networks.find((each) => each.id === port.networkId)
  return {
    id: port.id,
    mac: port.mac,
    networkId: port.networkId,
    networkName: network?.name ?? '',
    mtu: network?.mtu ?? 1500,
    isActive: port.status === 'ACTIVE',
    isOurs,
    tag,
    vifType: port.vifType,
    fixedIps: port.fixedIps.map((ip) => ({ ...ip, version: ip.address.includes(':') ? 6 : 4 })),
    subnets: subnets.filter((subnet) => port.fixedIps.some((ip) => ip.subnetId === subnet.id)),
  }
}

/** Deletes the ports that were made for a server and sets the given ones free; finds lost ones by their device. */
export async function releasePorts({ network, log }: ComputeDeps, server: Server): Promise<void> {
  for (const port of await portsOf(network, server)) {
    if (!port.deviceOwner.startsWith('compute:')) continue
    await releasePort(network, port.id, server.givenPorts.includes(port.id))
    log.debug({ server: server.id, port: port.id }, 'port released')
  }
}

/** Sets a port that the user brought free, deletes one that was made for the server. */
export async function releasePort(network: NetworkApi, id: string, isGiven: boolean): Promise<void> {
  if (isGiven) await network.updatePort(id, { deviceId: '', deviceOwner: '', hostId: '' })
  else await network.deletePort(id)
}

/** Takes over from neutron what addresses the ports of a server have. */
export async function refreshAddresses(deps: ComputeDeps, serverId: string): Promise<void> {
  const { network, database } = deps
  const found = await network.listPorts({ deviceId: serverId })
  const floating = await network.listFloatingIps(found.map(({ id }) => id))
  const subnets = await network.listSubnets([
    ...new Set(found.flatMap((port) => port.fixedIps.map((ip) => ip.subnetId))),
  ])
  await database.transaction(async (tx) => {
    const server = await findServer(tx, serverId)
    if (!server || server.deletedAt !== null) return
    const ports = server.ports.map((port): ServerPort => {
      const now = found.find(({ id }) => id === port.id)
      if (!now) return port
      const fixedIps = now.fixedIps.map((ip) => ({
        ...ip,
        version: ip.address.includes(':') ? (6 as const) : (4 as const),
      }))
      const floatingIps = floating.filter(({ portId }) => portId === port.id).map(({ address }) => address)
      const mine = subnets.filter((subnet) => fixedIps.some((ip) => ip.subnetId === subnet.id))
      return { ...port, fixedIps, floatingIps, subnets: mine }
    })
    if (JSON.stringify(ports) !== JSON.stringify(server.ports)) await updateServer(tx, serverId, { ports })
  })
}

/** Takes over from neutron which ports are active. */
export async function refreshPorts(deps: ComputeDeps, serverId: string): Promise<void> {
  const found = await deps.network.listPorts({ deviceId: serverId })
  const those = (status: string) => found.filter((port) => port.status === status).map(({ id }) => id)
  await markPorts(deps, serverId, { active: those('ACTIVE'), failed: those('ERROR') })
}

/** Neutron wired ports of a server, so that its host may start it, or says that they cannot be wired. */
export async function markPorts(
  deps: ComputeDeps,
  serverId: string,
  { active = [], failed = [] }: { active?: readonly string[]; failed?: readonly string[] },
): Promise<void> {
  const { database, agents, waiters, plugged } = deps
  let host: string | null = null
  const judge = (port: ServerPort): ServerPort => {
    if (port.isActive) return port
    const { isFailed: _, ...rest } = port
    if (active.includes(port.id)) return { ...rest, isActive: true }
    return failed.includes(port.id) && !port.isFailed ? { ...port, isFailed: true } : port
  }
  const isChanged = await database.transaction(async (tx) => {
    const server = await findProgress(tx, serverId)
    if (!server) return false
    host = server.host
    for (const id of active) if (!server.ports.some((port) => port.id === id)) plugged.add(id)
    const ports = server.ports.map(judge)
    return ports.some((port, index) => port !== server.ports[index]) && updateServer(tx, serverId, { ports })
  })
  if (!isChanged) return
  if (host !== null) await agents.look(host, { ids: [serverId] })
  waiters.wake(serverId)
}
