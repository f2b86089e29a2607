/**
 * The packet filters of a host. Pure: desired state to nft text.
 *
 * The bridge family knows no connections here, so a bridge table checks who speaks (anti-spoofing) and marks each frame
 * with the ports it comes from (high half) and goes to (low half); an inet table, which bridged packets pass by
 * bridge-nf-call-iptables, then applies the security groups. Frames without a mark are not between filtered ports.
 *
 * What the host itself sends into a bridge passes no inet hook that knows the port: there the inet table only notes
 * in the mark whether it is an answer, and the bridge table applies the groups.
 */
import { createHash } from 'node:crypto'
import {
  nftInterface,
  nftMac,
  renderReplacement,
  rule,
  type NftChain,
  type NftSet,
  type NftTable,
  type NftTableName,
} from '../../../host/nft.ts'
import type { HostPort, HostState } from '../rpc/host-state.ts'
import { spoofingChain } from './anti-spoofing.ts'
import { isGuestPort } from './l2.ts'
import { bridgeName } from './names.ts'
import { groupChain, groupChains, groupSets, type FilterProblem } from './security-groups.ts'

export interface FilterOptions {
  cloudName: string
  bridgeMappings: ReadonlyMap<string, string>
}

/** The tables of a cloud. */
export function tablesOf(cloudName: string): NftTableName[] {
  const { bridge, inet } = names(cloudName)
  return [
    { family: 'bridge', name: bridge },
    { family: 'inet', name: inet },
  ]
}

/** The same as `family name`. */
export const tableNames = (cloudName: string): string[] =>
  tablesOf(cloudName).map(({ family, name }) => `${family} ${name}`)

function names(cloudName: string) {
  const clean = cloudName.replace(/[^A-Za-z0-9]/g, '_')
  return { bridge: `nephos-${clean}-ports`, inet: `nephos-${clean}-groups` }
}

/** A port with its number in marks and chains, and what may be said of it. */
interface Guarded {
  port: HostPort
  number: number
  device: string
  /** Nothing passes: its rules cannot be written. */
  isBlocked: boolean
  isStateful: boolean
  speaking: NftChain
}

/** The mark's highest bit. On the way in: without connection tracking. On the way out of the host: an answer. */
const flag = '0x80000000'
const sourceMask = '0x7fff0000'
const mostPorts = 0x7fff

export function renderFilters(state: HostState, options: FilterOptions): { text: string; problems: FilterProblem[] } {
  const problems: FilterProblem[] = []
  const ports = state.ports
    .filter((port) => isGuestPort(port) && port.portSecurityEnabled)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  if (ports.length > mostPorts) throw new Error(`a host has no more than ${mostPorts} filtered ports`)
  const guarded = ports.map((port, index) => guard(state, port, index + 1, problems))
  const rules = groupRules(state, guarded, problems)
  const text = [portsTable(guarded, rules, options), groupsTable(state, guarded, rules, options)]
    .map(renderReplacement)
    .join('')
  return { text, problems }
}

function guard(state: HostState, port: HostPort, number: number, problems: FilterProblem[]): Guarded {
  const common = { port, number, device: nftInterface(port.tap), isStateful: isStateful(state, port) }
  try {
    return { ...common, isBlocked: false, speaking: spoofingChain(`from${number}`, port) }
  } catch (error) {
    // One port that cannot be described must neither be open nor keep the others from their filters.
    problems.push({ what: `port ${port.id}`, message: `it is blocked: ${String(error)}`, portId: port.id })
    return { ...common, isBlocked: true, speaking: { name: `from${number}`, rules: ['drop'] } }
  }
}

/** Neutron refuses to mix the two kinds at one port; should it happen, connections are kept. */
function isStateful({ securityGroups }: HostState, { securityGroupIds }: HostPort): boolean {
  const groups = securityGroups.filter(({ id }) => securityGroupIds.includes(id))
  return groups.length === 0 || groups.some((group) => group.isStateful)
}

interface GroupRules {
  sets: NftSet[]
  known: ReadonlySet<string>
  chains(direction: 'in' | 'out', accept: string): NftChain[]
}

function groupRules(state: HostState, guarded: readonly Guarded[], problems: FilterProblem[]): GroupRules {
  const used = new Set(guarded.flatMap(({ port }) => port.securityGroupIds))
  const groups = state.securityGroups.filter(({ id }) => used.has(id))
  const described = new Set(state.securityGroups.map(({ id }) => id))
  const rendered = groups.map((group) => groupChains(group, described, problems))
  return {
    sets: groupSets(state.securityGroups),
    known: new Set(groups.map(({ id }) => id)),
    chains: (direction, accept) => rendered.map((chains) => chains(direction, accept)),
  }
}

/** The rules of a port's groups; what none of them takes is dropped. */
function groupJumps({ port, isBlocked }: Guarded, { known }: GroupRules, direction: 'in' | 'out'): string[] {
  if (isBlocked) return ['drop']
  const jumps = port.securityGroupIds.filter((id) => known.has(id)).map((id) => `jump ${groupChain(direction, id)}`)
  return [...jumps, 'drop']
}

const noTags = 'ether type { 8021q, 8021ad } drop'

function portsTable(guarded: readonly Guarded[], rules: GroupRules, { cloudName }: FilterOptions): NftTable {
  const byName = (name: string, verdict: string) => ({
    name,
    type: 'ifname',
    valueType: 'verdict',
    elements: guarded.map(({ device, number }) => [device, `${verdict}${number}`] as const),
  })
  const untracked = untrackedFrames(guarded)
  return {
    family: 'bridge',
    name: names(cloudName).bridge,
    sets: [...rules.sets, ...untracked.sets],
    maps: [
      byName('speakers', 'jump from'),
      byName('listeners', 'goto to'),
      byName('hearers', 'goto host'),
      {
        name: 'sources',
        type: 'ifname',
        valueType: 'mark',
        elements: guarded.map(({ device, number }) => [device, hex(number * 0x10000)] as const),
      },
    ],
    chains: [
      {
        name: 'prerouting',
        hook: { type: 'filter', hook: 'prerouting', priority: -300 },
        rules: ['iifname vmap @speakers', 'meta mark set iifname map @sources', ...untracked.rules],
      },
      {
        name: 'forward',
        hook: { type: 'filter', hook: 'forward', priority: -200 },
        rules: ['oifname vmap @listeners'],
      },
      {
        name: 'output',
        hook: { type: 'filter', hook: 'output', priority: -200 },
        rules: ['oifname vmap @hearers'],
      },
      ...guarded.map(({ speaking }) => speaking),
      ...guarded.map(({ number }): NftChain => ({
        name: `to${number}`,
        rules: [noTags, `meta mark set meta mark and 0xffff0000 or ${hex(number)}`],
      })),
      ...guarded.map((each): NftChain => ({ name: `host${each.number}`, rules: fromHost(each, rules) })),
      ...rules.chains('in', 'accept'),
    ],
  }
}

/** What the host itself, or one that it routes for, sends to a guest in one of its own bridges. */
function fromHost(each: Guarded, rules: GroupRules): string[] {
  return [
    noTags,
    ...(each.isBlocked ? ['drop'] : []),
    'meta protocol != { ip, ip6 } accept',
    ...(each.isStateful ? [`meta mark and ${flag} == ${flag} accept`] : []),
    // The first fragment has been judged; the others are worth nothing without it.
    'ip frag-off and 0x1fff != 0 accept',
    'frag frag-off != 0 accept',
    ...alwaysIn,
    ...groupJumps(each, rules, 'in'),
  ]
}

/**
 * Frames from and to stateless ports make no connections, unless the other side is a stateful port of this host, whose
 * answers must be known.
 */
function untrackedFrames(guarded: readonly Guarded[]): { sets: NftSet[]; rules: string[] } {
  const stateless = guarded.filter(({ isStateful, isBlocked }) => !isStateful && !isBlocked)
  if (stateless.length === 0) return { sets: [], rules: [] }
  const macsOf = (some: readonly Guarded[]) =>
    new Set(some.flatMap(({ port }) => [port.mac, ...port.allowedAddressPairs.map(({ mac }) => mac)].map(nftMac)))
  const tracked = macsOf(guarded.filter((each) => each.isStateful && !each.isBlocked))
  const free = [...macsOf(stateless)].filter((mac) => !tracked.has(mac))
  return {
    sets: [
      { name: 'guests', type: 'ifname', elements: guarded.map(({ device }) => device) },
      { name: 'stateless', type: 'ifname', elements: stateless.map(({ device }) => device) },
      { name: 'tracked', type: 'ether_addr', elements: [...tracked].sort() },
      { name: 'free', type: 'ether_addr', elements: free.sort() },
    ],
    rules: [
      `iifname @stateless ether daddr != @tracked meta mark set meta mark or ${flag}`,
      `iifname != @guests ether daddr @free meta mark set ${flag}`,
    ],
  }
}

const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`

function groupsTable(
  state: HostState,
  guarded: readonly Guarded[],
  rules: GroupRules,
  options: FilterOptions,
): NftTable {
  const byMark = { type: 'mark', valueType: 'verdict' }
  const bridges = bridgesOf(state, options)
  const carried = onlyCarried(state, options)
  const inOurs = (text: string) => (bridges === undefined ? [] : [text.replaceAll('$ours', bridges)])
  return {
    family: 'inet',
    name: names(options.cloudName).inet,
    sets: rules.sets,
    maps: [
      {
        ...byMark,
        name: 'egress',
        elements: guarded.map(({ number }) => [hex(number * 0x10000), `goto out${number}`] as const),
      },
      {
        ...byMark,
        name: 'ingress',
        elements: guarded.map(({ number }) => [hex(number), `goto in${number}`] as const),
      },
    ],
    chains: [
      {
        name: 'prerouting',
        hook: { type: 'filter', hook: 'prerouting', priority: -300 },
        rules: [
          ...inOurs(`iifname $ours meta mark and ${flag} == ${flag} notrack accept`),
          ...zoneRules(state, options),
        ],
      },
      {
        name: 'forward',
        hook: { type: 'filter', hook: 'forward', priority: 0 },
        rules: [...carried.forward, ...inOurs('meta mark != 0 iifname $ours goto guests')],
      },
      // A guest that speaks to the host itself.
      {
        name: 'input',
        hook: { type: 'filter', hook: 'input', priority: 0 },
        rules: [...carried.input, ...inOurs(`meta mark and ${sourceMask} != 0 iifname $ours goto guests`)],
      },
      // The bridge table judges what the host sends, and must know answers.
      {
        name: 'postrouting',
        hook: { type: 'filter', hook: 'postrouting', priority: 300 },
        rules: [
          ...inOurs('oifname $ours meta mark set 0'),
          ...inOurs(`oifname $ours ct state established ct direction reply meta mark set ${flag}`),
          ...inOurs(`oifname $ours ct state related meta mark set ${flag}`),
        ],
      },
      { name: 'guests', rules: [`meta mark and ${sourceMask} vmap @egress`, 'goto arriving'] },
      { name: 'arriving', rules: ['meta mark and 0x0000ffff vmap @ingress', 'accept'] },
      // Leaving and arriving are two permissions: what a guest may send still has to be let in by its neighbour.
      ...guarded.map((each): NftChain => ({
        name: `out${each.number}`,
        rules: [
          // Again, where fragments have been put together.
          'icmpv6 type { nd-router-advert, nd-redirect } drop',
          ...answers(each, 'goto arriving'),
          ...alwaysOut,
          ...groupJumps(each, rules, 'out'),
        ],
      })),
      ...guarded.map((each): NftChain => ({
        name: `in${each.number}`,
        rules: [...answers(each, 'accept'), ...alwaysIn, ...groupJumps(each, rules, 'in')],
      })),
      ...rules.chains('in', 'accept'),
      ...rules.chains('out', 'goto arriving'),
    ],
  }
}

/**
 * Only answers pass for the sake of their connection. What goes the connection's own way is judged packet by packet, so
 * that a rule that is taken away ends also the connections that it had let in.
 */
function answers({ isStateful, isBlocked }: Guarded, accept: string): string[] {
  if (isBlocked) return ['drop']
  if (!isStateful) return []
  return ['ct state invalid drop', `ct state established ct direction reply ${accept}`, `ct state related ${accept}`]
}

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

/** The bridges of this cloud, as a set: packets in others may carry marks of somebody else. */
function bridgesOf(state: HostState, { bridgeMappings }: FilterOptions): string | undefined {
  const bridges = new Set(state.networks.flatMap((network) => bridgeIfAny(network, bridgeMappings)))
  return bridges.size === 0 ? undefined : rule`${[...bridges].sort().map(nftInterface)}`
}

/**
 * The host carries the frames of tenants' networks and has nothing else to do there: it neither listens to what guests
 * address to the bridge itself, nor routes it on. Routers, DHCP and metadata are in namespaces behind ports of the bridge.
 */
function onlyCarried(state: HostState, { bridgeMappings }: FilterOptions): { forward: string[]; input: string[] } {
  const networks = state.networks.filter(({ type }) => type !== 'flat')
  const bridges = [...new Set(networks.flatMap((network) => bridgeIfAny(network, bridgeMappings)))].sort()
  if (bridges.length === 0) return { forward: [], input: [] }
  const names = bridges.map(nftInterface)
  const tenants = rule`iifname ${names}`
  const ways = names.map((name) => `${name} . ${name}`).join(', ')
  return { forward: [`${tenants} iifname . oifname != { ${ways} } drop`], input: [`${tenants} drop`] }
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
