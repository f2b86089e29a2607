/** The ports that each part is to wire, and which of them are. */
import { tapName } from '../../../base/device-names.ts'
import type { Link } from '../../../host/links.ts'
import type { HostNetwork, HostState } from '../rpc/host-state.ts'
import { wirerOf, type AgentPart } from '../rpc/parts.ts'
import type { AgentContext, Round } from './context.ts'
import { bridgeName } from './names.ts'

interface Plugged {
  id: string
  networkId: string
  tap: string
}

const cable = (id: string, networkId: string): Plugged => ({ id, networkId, tap: tapName(id) })

const ports: Readonly<Record<AgentPart, (state: HostState) => Plugged[]>> = {
  l2: (state) => state.ports.filter(({ deviceOwner }) => wirerOf(deviceOwner) === 'l2'),
  dhcp: (state) => state.dhcp.map(({ port, networkId }) => cable(port.id, networkId)),
  l3: (state) =>
    state.routers
      .flatMap(({ interfaces, gateway }) => (gateway ? [...interfaces, gateway] : interfaces))
      .map(({ portId, networkId }) => cable(portId, networkId)),
  metadata: () => [],
}

/** Every port that a part is to wire. */
export const portsOf = (part: AgentPart, state: HostState): string[] => ports[part](state).map(({ id }) => id)

/** Those whose device is up in the bridge of its network. */
export function wiredPorts(part: AgentPart, context: AgentContext, round: Round, links: ReadonlyMap<string, Link>) {
  const bridges = new Map(round.state.networks.map((network) => [network.id, bridgeIfAny(network, context)]))
  const failed = new Set(round.failures.map(({ portId }) => portId))
  const isWired = ({ id, networkId, tap }: Plugged) => {
    const link = links.get(tap)
    return link !== undefined && link.isUp && link.master === bridges.get(networkId) && !failed.has(id)
  }
  return ports[part](round.state)
    .filter(isWired)
    .map(({ id }) => id)
}

function bridgeIfAny(network: HostNetwork, { bridgeMappings }: AgentContext): string | null {
  try {
    return bridgeName(network, bridgeMappings)
  } catch {
    return null
  }
}
