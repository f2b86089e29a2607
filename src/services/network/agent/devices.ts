/** The cable from a namespace to the bridge of a network. */
import { tapName } from '../../../base/device-names.ts'
import { ensureAddresses, ensureVethPair, showLink } from '../../../host/links.ts'
import { ensureNetns, setSysctls } from '../../../host/netns.ts'
import { binaries } from '../rpc/parts.ts'
import { bridgeOf, type AgentContext, type Round } from './context.ts'

export interface NamespacePort {
  portId: string
  networkId: string
  mac: string
  mtu: number
  /** With prefix length. */
  addresses: readonly string[]
}

export async function plugNamespace(
  context: AgentContext,
  round: Round,
  netns: string,
  device: string,
  port: NamespacePort,
): Promise<void> {
  const { portId, networkId, mac, mtu, addresses } = port
  const master = bridgeOf(round, context, networkId)
  const near = tapName(portId)
  round.wanted.links.add(near)
  round.needed.add(master)
  await context.owned.claim('links', near)
  try {
    await ensureVethPair({ name: near, mtu, master }, { name: device, netns, mac, mtu })
  } catch (cause) {
    if (await showLink(master)) throw cause
    throw new Error(`there is no bridge ${master}; ${binaries.l2} makes it`, { cause })
  }
  await setSysctls({ [`net/ipv6/conf/${near}/disable_ipv6`]: 1 })
  await ensureAddresses(device, addresses, { netns })
}

export async function wantNamespace({ owned }: AgentContext, round: Round, netns: string): Promise<void> {
  round.wanted.namespaces.add(netns)
  await owned.claim('namespaces', netns)
  await ensureNetns(netns)
}
