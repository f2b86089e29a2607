/** Bridges and tunnels of the networks, and the guests' taps in them. */
import { ensureFdb, floodMac } from '../../../host/fdb.ts'
import {
  deleteLink,
  ensureLinks,
  listLinks,
  runIpBatch,
  setMaster,
  showLink,
  type Link,
  type LinkSpec,
} from '../../../host/links.ts'
import type { HostNetwork, HostPort } from '../rpc/host-state.ts'
import { attempt, bridgeOf, type AgentContext, type Round } from './context.ts'
import { bridgeName, physicalBridge, vlanDevice, vxlanDevice } from './names.ts'
import { linksOfOthers } from './owned.ts'

/** Ports of DHCP and routers are wired by those agents. */
export const isGuestPort = (port: HostPort) => !port.deviceOwner.startsWith('network:')

export async function convergeBridges(context: AgentContext, round: Round): Promise<void> {
  for (const [name, make] of context.ownBridges ?? []) {
    round.wanted.links.add(name)
    await attempt(round, { what: `bridge ${name}` }, async () => {
      if (!(await showLink(name))) await make()
    })
  }
  for (const network of round.state.networks) {
    await attempt(round, { what: `network ${network.id}` }, () => convergeNetwork(context, round, network))
  }
}

async function convergeNetwork(context: AgentContext, round: Round, network: HostNetwork): Promise<void> {
  const bridge = bridgeName(network, context.bridgeMappings)
  // The bridge of a physical network is the operator's.
  if (network.type === 'flat') return
  const specs: LinkSpec[] = [{ kind: 'bridge', name: bridge, mtu: network.mtu }]
  await want(context, round, bridge)
  if (network.type === 'vlan') specs.push(await wantVlan(context, round, network, bridge))
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

/** As linuxbridge does it: a sub-interface of where the physical network is, in the network's own bridge. */
async function wantVlan(
  context: AgentContext,
  round: Round,
  network: HostNetwork,
  master: string,
): Promise<LinkSpec & { kind: 'vlan' }> {
  if (network.segmentationId === null) throw new Error('a vlan network without a vlan')
  const parent = physicalBridge(network, context.bridgeMappings)
  const name = vlanDevice(parent, network.segmentationId)
  await want(context, round, name)
  return { kind: 'vlan', name, parent, id: network.segmentationId, mtu: network.mtu, master }
}

/** Whether this kernel can tag at all: some are built without. */
export async function hasVlans(): Promise<boolean> {
  const name = 'nephos-probe'
  try {
    await runIpBatch([['link', 'add', 'link', 'lo', 'name', name, 'type', 'vlan', 'id', 1]])
  } catch {
    return (await showLink(name)) !== undefined
  }
  await deleteLink(name)
  return true
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
    await attempt(round, { what: `port ${port.id}`, portId: port.id }, async () => {
      if (link.kind !== 'tap' && link.kind !== 'veth') throw new Error(`${port.tap} is no tap but ${link.kind}`)
      const network = round.state.networks.find(({ id }) => id === port.networkId)
      const isUp = port.adminStateUp && (network?.adminStateUp ?? true)
      const master = bridgeOf(round, context, port.networkId)
      specs.push({ kind: 'existing', name: port.tap, master, isUp, ...(network ? { mtu: network.mtu } : {}) })
    })
  }
  await attempt(round, { what: 'taps' }, () => ensureTapsOneByOneOnError(specs, round))
}

/** A tap may go in the middle of it, which fails the batch; the others shall be wired all the same. */
async function ensureTapsOneByOneOnError(specs: readonly LinkSpec[], round: Round): Promise<void> {
  try {
    await ensureLinks(specs)
  } catch {
    for (const spec of specs) await attempt(round, { what: spec.name }, () => ensureLinks([spec]))
  }
}

/**
 * Taps in our bridges that belong to no port any more are pulled out before the filters forget them. In a bridge of the
 * operator's only those that we have plugged are ours to pull.
 */
export async function unplugStrayTaps(
  { owned, stateDir }: AgentContext,
  round: Round,
  plugged: Set<string>,
): Promise<void> {
  const known = new Set(round.state.ports.map(({ tap }) => tap))
  const isStrange = ({ name, master }: Link) =>
    master !== undefined &&
    (plugged.has(name) || owned.has('links', master)) &&
    name.startsWith('tap') &&
    !known.has(name)
  const strangers = (await listLinks()).filter(isStrange)
  // The cables of DHCP and routers are theirs to pull.
  const others = strangers.length === 0 ? new Set() : linksOfOthers(stateDir, 'l2')
  for (const { name } of strangers.filter((link) => !others.has(link.name))) {
    await attempt(round, { what: name }, () => setMaster(name, undefined))
    plugged.delete(name)
  }
  for (const tap of known) plugged.add(tap)
}
