/**
 * The packet filters of a host. Pure: desired state to nft text.
 *
 * The bridge family knows no connections here, so a bridge table checks who speaks (anti-spoofing) and marks each frame
 * with the ports it comes from (high half) and goes to (low half); an inet table, which bridged packets pass by
 * bridge-nf-call-iptables, then applies the security groups. Frames without a mark are not between filtered ports.
 */
import { createHash } from 'node:crypto'
import { nftInterface, renderReplacement, rule, type NftChain, type NftTable } from '../../../host/nft.ts'
import type { HostPort, HostState } from '../rpc/host-state.ts'
import { spoofingChain } from './anti-spoofing.ts'
import { isGuestPort } from './l2.ts'
import { bridgeName } from './names.ts'
import { groupChains, groupSets, type FilterProblem } from './security-groups.ts'

export interface FilterOptions {
  cloudName: string
  bridgeMappings: ReadonlyMap<string, string>
}

/** `family name` of the tables of a cloud. */
export function tableNames(cloudName: string): string[] {
  const { bridge, inet } = names(cloudName)
  return [`bridge ${bridge}`, `inet ${inet}`]
}

function names(cloudName: string) {
  const clean = cloudName.replace(/[^A-Za-z0-9]/g, '_')
  return { bridge: `nephos-${clean}-ports`, inet: `nephos-${clean}-groups` }
}

export function renderFilters(state: HostState, options: FilterOptions): { text: string; problems: FilterProblem[] } {
  const problems: FilterProblem[] = []
  const ports = state.ports
    .filter((port) => isGuestPort(port) && port.portSecurityEnabled)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const text = [portsTable(ports, options), groupsTable(state, ports, options, problems)]
    .map(renderReplacement)
    .join('')
  return { text, problems }
}

function portsTable(ports: readonly HostPort[], { cloudName }: FilterOptions): NftTable {
  const devices = ports.map(({ tap }, index) => ({ name: nftInterface(tap), number: index + 1 }))
  const ifname = { type: 'ifname', valueType: 'verdict' }
  return {
    family: 'bridge',
    name: names(cloudName).bridge,
    maps: [
      {
        ...ifname,
        name: 'speakers',
        elements: devices.map(({ name, number }) => [name, `jump from${number}`] as const),
      },
      {
        ...ifname,
        name: 'listeners',
        elements: devices.map(({ name, number }) => [name, `goto to${number}`] as const),
      },
      {
        name: 'sources',
        type: 'ifname',
        valueType: 'mark',
        elements: devices.map(({ name, number }) => [name, hex(number * 0x10000)] as const),
      },
    ],
    chains: [
      {
        name: 'prerouting',
        hook: { type: 'filter', hook: 'prerouting', priority: -300 },
        rules: ['iifname vmap @speakers'],
      },
      {
        name: 'forward',
        hook: { type: 'filter', hook: 'forward', priority: -200 },
        rules: ['meta mark set iifname map @sources', 'oifname vmap @listeners'],
      },
      ...ports.map((port, index) => spoofingChain(`from${index + 1}`, port)),
      ...devices.map(({ number }): NftChain => ({
        name: `to${number}`,
        rules: [`meta mark set meta mark or ${hex(number)}`],
      })),
    ],
  }
}

const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`

function groupsTable(
  state: HostState,
  ports: readonly HostPort[],
  options: FilterOptions,
  problems: FilterProblem[],
): NftTable {
  const used = new Set(ports.flatMap(({ securityGroupIds }) => securityGroupIds))
  const groups = state.securityGroups.filter(({ id }) => used.has(id))
  const described = new Set(state.securityGroups.map(({ id }) => id))
  const known = new Set(groups.map(({ id }) => id))
  const jumps = (port: HostPort, direction: 'in' | 'out') =>
    port.securityGroupIds.filter((id) => known.has(id)).map((id) => `jump ${groupChain(direction, id)}`)
  const numbered = ports.map((port, index) => ({ port, number: index + 1 }))
  const byMark = { type: 'mark', valueType: 'verdict' }
  return {
    family: 'inet',
    name: names(options.cloudName).inet,
    sets: groupSets(state.securityGroups),
    maps: [
      {
        ...byMark,
        name: 'egress',
        elements: numbered.map(({ number }) => [hex(number * 0x10000), `goto out${number}`] as const),
      },
      {
        ...byMark,
        name: 'ingress',
        elements: numbered.map(({ number }) => [hex(number), `goto in${number}`] as const),
      },
    ],
    chains: [
      {
        name: 'prerouting',
        hook: { type: 'filter', hook: 'prerouting', priority: -300 },
        rules: zoneRules(state, options),
      },
      { name: 'forward', hook: { type: 'filter', hook: 'forward', priority: 0 }, rules: forwardRules(state, options) },
      {
        name: 'guests',
        rules: [
          'ct state established,related accept',
          'ct state invalid drop',
          'meta mark and 0xffff0000 vmap @egress',
          'goto arriving',
        ],
      },
      { name: 'arriving', rules: ['meta mark and 0x0000ffff vmap @ingress', 'accept'] },
      // Leaving and arriving are two permissions: what a guest may send still has to be let in by its neighbour.
      ...numbered.map(({ port, number }): NftChain => ({
        name: `out${number}`,
        rules: [...alwaysOut, ...jumps(port, 'out'), 'drop'],
      })),
      ...numbered.map(({ port, number }): NftChain => ({
        name: `in${number}`,
        rules: [...alwaysIn, ...jumps(port, 'in'), 'drop'],
      })),
      ...groups.flatMap((group) => groupChains(group, described, groupChain, problems)),
    ],
  }
}

export const groupChain = (direction: 'in' | 'out', id: string) => `group-${direction}-${id}`

/** DHCP, metadata and what IPv6 cannot do without are open whatever the groups say. */
const alwaysOut = [
  'udp sport 68 udp dport 67 goto arriving',
  'udp sport 546 udp dport 547 goto arriving',
  'ip daddr 169.254.169.254 tcp dport 80 goto arriving',
  'icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report } goto arriving',
]
const alwaysIn = [
  'udp sport 67 udp dport 68 accept',
  'udp sport 547 udp dport 546 accept',
  'icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query } accept',
]

/** Only packets in bridges of this cloud: others may carry marks of somebody else. */
function forwardRules(state: HostState, { bridgeMappings }: FilterOptions): string[] {
  const bridges = new Set(state.networks.flatMap((network) => bridgeIfAny(network, bridgeMappings)))
  if (bridges.size === 0) return []
  return [rule`meta mark != 0 iifname ${[...bridges].sort().map(nftInterface)} goto guests`]
}

/**
 * A zone for the connections of each network, so that tenants may use the same addresses. Bridges of physical networks
 * have none: the host itself speaks there, and its connections are in zone 0.
 */
function zoneRules(state: HostState, { bridgeMappings }: FilterOptions): string[] {
  const taken = new Set<number>()
  const networks = state.networks.filter(({ type }) => type !== 'flat').sort((a, b) => (a.id < b.id ? -1 : 1))
  return networks.map((network) => {
    let zone = createHash('sha256').update(network.id).digest().readUInt16BE(0) || 1
    while (taken.has(zone)) zone = (zone % 0xffff) + 1
    taken.add(zone)
    return rule`iifname ${nftInterface(bridgeName(network, bridgeMappings))} ct zone set ${zone}`
  })
}

function bridgeIfAny(network: HostState['networks'][number], mappings: ReadonlyMap<string, string>): string[] {
  try {
    return [bridgeName(network, mappings)]
  } catch {
    return []
  }
}
