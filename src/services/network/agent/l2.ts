/** Bridges and tunnels of the networks, and the guests' taps in them. */
import { ensureFdb, floodMac } from '../../../host/fdb.ts'
import { ensureLinks, listLinks, type Link, type LinkSpec } from '../../../host/links.ts'
import type { HostNetwork, HostPort } from '../rpc/host-state.ts'
import { attempt, bridgeOf, type AgentContext, type Round } from './context.ts'
import { bridgeName, vxlanDevice } from './names.ts'

/** Ports of DHCP and routers are wired by those agents. */
export const isGuestPort = (port: HostPort) => !port.deviceOwner.startsWith('network:')

export async function convergeBridges(context: AgentContext, round: Round): Promise<void> {
  for (const network of round.state.networks) {
    await attempt(round, { part: 'l2', what: `network ${network.id}` }, () => convergeNetwork(context, round, network))
  }
}

async function convergeNetwork(context: AgentContext, round: Round, network: HostNetwork): Promise<void> {
  const bridge = bridgeName(network, context.bridgeMappings)
  // The bridge of a physical network is the operator's.
  if (network.type === 'flat') return
  const specs: LinkSpec[] = [{ kind: 'bridge', name: bridge, mtu: network.mtu }]
  await want(context, round, bridge)
  const tunnel = tunnelOf(network)
  if (tunnel !== undefined) {
    await want(context, round, tunnel.name)
    const { name, id } = tunnel
    specs.push({ kind: 'vxlan', name, id, local: context.localIp, mtu: network.mtu, master: bridge, learning: false })
  }
  await ensureLinks(specs)
  if (tunnel === undefined) return
  await ensureFdb(tunnel.name, [
    ...network.peers.map((destination) => ({ mac: floodMac, destination })),
    ...network.forwarding.map(({ mac, peer }) => ({ mac, destination: peer })),
  ])
}

/** None while no other host has ports in the network: several clouds on one machine may then use the same numbers. */
function tunnelOf(network: HostNetwork): { name: string; id: number } | undefined {
  if (network.type !== 'vxlan' || network.segmentationId === null || network.peers.length === 0) return undefined
  return { name: vxlanDevice(network.segmentationId), id: network.segmentationId }
}

async function want({ owned }: AgentContext, round: Round, link: string): Promise<void> {
  round.wanted.links.add(link)
  await owned.claim('links', link)
}

/** Call when the filters are loaded: from here on frames flow. */
export async function convergeTaps(
  context: AgentContext,
  round: Round,
  links: ReadonlyMap<string, Link>,
): Promise<void> {
  const specs: LinkSpec[] = []
  for (const port of round.state.ports.filter(isGuestPort)) {
    const link = links.get(port.tap)
    if (!link) continue
    await attempt(round, { part: 'l2', what: `port ${port.id}`, portId: port.id }, async () => {
      if (link.kind !== 'tap' && link.kind !== 'veth') throw new Error(`${port.tap} is no tap but ${link.kind}`)
      const network = round.state.networks.find(({ id }) => id === port.networkId)
      const isUp = port.adminStateUp && (network?.adminStateUp ?? true)
      const master = bridgeOf(round, context, port.networkId)
      specs.push({ kind: 'existing', name: port.tap, master, isUp, ...(network ? { mtu: network.mtu } : {}) })
    })
  }
  await attempt(round, { part: 'l2', what: 'taps' }, () => ensureTapsOneByOneOnError(specs, round))
}

/** A tap may go in the middle of it, which fails the batch; the others shall be wired all the same. */
async function ensureTapsOneByOneOnError(specs: readonly LinkSpec[], round: Round): Promise<void> {
  try {
    await ensureLinks(specs)
  } catch {
    for (const spec of specs) await attempt(round, { part: 'l2', what: spec.name }, () => ensureLinks([spec]))
  }
}

/** Ports whose device is up in the bridge of its network. */
export async function wiredPorts(context: AgentContext, round: Round): Promise<Set<string>> {
  const links = new Map((await listLinks()).map((link) => [link.name, link]))
  const isWired = (port: HostPort) => {
    const link = links.get(port.tap)
    if (!link?.isUp) return false
    const network = round.state.networks.find(({ id }) => id === port.networkId)
    if (!network) return false
    const mapped =
      network.type === 'flat'
        ? context.bridgeMappings.get(network.physicalNetwork ?? '')
        : bridgeName(network, context.bridgeMappings)
    return link.master === mapped
  }
  const failed = new Set(round.failures.map(({ portId }) => portId))
  return new Set(round.state.ports.filter((port) => isWired(port) && !failed.has(port.id)).map(({ id }) => id))
}
