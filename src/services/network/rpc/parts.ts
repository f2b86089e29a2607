/** The network agents of a host, each of which may run in a process of its own, and what of a host's state is whose. */
import { Type, type Static } from 'typebox'
import type { HostState } from './host-state.ts'

export const agentPart = Type.Union([
  Type.Literal('l2'),
  Type.Literal('dhcp'),
  Type.Literal('l3'),
  Type.Literal('metadata'),
])
export type AgentPart = Static<typeof agentPart>

/** In the order in which each finds what it needs of the ones before. */
export const agentParts: readonly AgentPart[] = ['l2', 'dhcp', 'l3', 'metadata']

/** The role that plays a part. */
export const binaries: Readonly<Record<AgentPart, string>> = {
  l2: 'neutron-linuxbridge-agent',
  dhcp: 'neutron-dhcp-agent',
  l3: 'neutron-l3-agent',
  metadata: 'neutron-metadata-agent',
}

/** OpenStack's `agent_type`. */
export const agentTypes: Readonly<Record<AgentPart, string>> = {
  l2: 'Linux bridge agent',
  dhcp: 'DHCP agent',
  l3: 'L3 agent',
  metadata: 'Metadata agent',
}

/** The parts that these roles play. */
export const partsOf = (roles: readonly string[]): AgentPart[] =>
  agentParts.filter((part) => roles.includes(binaries[part]))

/** The part that puts the cable of a port into its bridge, and tells when it is there. */
export function wirerOf(deviceOwner: string): AgentPart {
  if (deviceOwner === 'network:dhcp') return 'dhcp'
  return deviceOwner.startsWith('network:router_') ? 'l3' : 'l2'
}

/** What of a host's state concerns these parts. */
export function sliceOf(state: HostState, parts: readonly AgentPart[]): HostState {
  const has = (...some: readonly AgentPart[]) => some.some((part) => parts.includes(part))
  const plugged = new Set([
    ...(has('dhcp') ? state.dhcp.map(({ networkId }) => networkId) : []),
    ...(has('l3') ? state.routers.flatMap(networksOf) : []),
  ])
  return {
    revision: state.revision,
    networks: has('l2') ? state.networks : state.networks.filter(({ id }) => plugged.has(id)),
    ports: has('l2') ? state.ports : [],
    securityGroups: has('l2') ? state.securityGroups : [],
    dhcp: has('dhcp', 'metadata') ? state.dhcp : [],
    routers: has('l3', 'metadata')
      ? state.routers.map((router) => (has('metadata') ? router : { ...router, metadataClients: [] }))
      : [],
  }
}

const networksOf = ({ interfaces, gateway }: HostState['routers'][number]): string[] =>
  [...interfaces, ...(gateway ? [gateway] : [])].map(({ networkId }) => networkId)
