/**
 * E2: what the rendered rules say about a packet is what neutron's rules mean, on random rules and packets. The packets
 * of the kernel are in filters.system.test.ts; here a small reader of nft's matches stands for it.
 */
import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HostState } from '../rpc/host-state.ts'
import { groupChains, groupSets, type FilterProblem } from './security-groups.ts'

type Group = HostState['securityGroups'][number]
type Rule = Group['rules'][number]

interface Packet {
  version: 4 | 6
  /** Who is at the other end. */
  peer: string
  protocol: number
  /** Destination port, or the type of ICMP. */
  first: number
  /** The code of ICMP. */
  second: number
}

const members: Record<string, string[]> = { friends: ['10.0.0.5', 'fd00::5'], nobody: [] }
const protocols: Record<string, number | 'any'> = {
  any: 'any',
  '0': 'any',
  tcp: 6,
  '6': 6,
  udp: 17,
  sctp: 132,
  icmp: 1,
  icmpv6: 58,
  gre: 47,
  '47': 47,
  vrrp: 112,
}
const networks = [
  '0.0.0.0/0',
  '::/0',
  '10.0.0.0/24',
  '10.0.0.5/32',
  '10.0.0.5',
  '172.16.0.0/12',
  'fd00::/64',
  'fd00::5/128',
]
const broken = ['10.0.0.0/33', 'x', '', '0.0.0.0/0; accept', '10.0.0.0/24\naccept', '} accept']

const has = (cidr: string, address: string): boolean => {
  const [base = '', prefix] = cidr.split('/')
  const family = base.includes(':') ? 'ipv6' : 'ipv4'
  if ((family === 'ipv6') !== address.includes(':')) return false
  const list = new BlockList()
  list.addSubnet(base, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  return list.check(address, family)
}

/** What a rule means. A rule that means nothing lets nothing in. */
function means(rule: Rule, packet: Packet): boolean {
  if ((rule.ethertype === 'IPv4') !== (packet.version === 4)) return false
  if (rule.remoteGroupId !== null && !members[rule.remoteGroupId]?.includes(packet.peer)) return false
  if (rule.remoteGroupId === null && rule.remoteCidr !== null) {
    if (!networks.includes(rule.remoteCidr) || rule.remoteCidr.includes(':') !== (packet.version === 6)) return false
    if (!has(rule.remoteCidr, packet.peer)) return false
  }
  const given = rule.protocol === null ? 'any' : protocols[rule.protocol]
  if (given === undefined) return false
  if (given === 'any') return true
  const protocol = given === 1 && rule.ethertype === 'IPv6' ? 58 : given
  if (packet.protocol !== protocol) return false
  const [low, high] = [rule.portRangeMin, rule.portRangeMax]
  if (protocol === 1 || protocol === 58)
    return (low === null || packet.first === low) && (low === null || high === null || packet.second === high)
  if (low === null && high === null) return true
  if (![6, 17, 132].includes(protocol)) return false
  const [from, to] = [low ?? 0, high ?? low ?? 65_535]
  return from <= packet.first && packet.first <= to
}

const numberOf: Record<string, number> = { tcp: 6, udp: 17, sctp: 132, icmp: 1, icmpv6: 58 }

/** What nft would make of one rendered rule; rejects every word that it does not know. */
function reads(text: string, packet: Packet, sets: ReadonlyMap<string, readonly string[]>): boolean {
  const words = text.split(' ')
  let matches = true
  const next = () => words.shift() ?? assert.fail(`${text} ends too early`)
  while (words.length > 1) {
    const [subject, field, value] = [next(), next(), next()]
    switch (`${subject} ${field}`) {
      case 'meta protocol':
        matches &&= value === (packet.version === 4 ? 'ip' : 'ip6')
        break
      case 'ip saddr':
      case 'ip6 saddr':
        matches &&= (subject === 'ip') === (packet.version === 4)
        matches &&= value.startsWith('@') ? sets.get(value.slice(1))!.includes(packet.peer) : has(value, packet.peer)
        break
      case 'meta l4proto':
        matches &&= packet.protocol === Number(value)
        break
      case 'icmp type':
      case 'icmpv6 type':
        matches &&= packet.protocol === numberOf[subject] && packet.first === Number(value)
        break
      case 'icmp code':
      case 'icmpv6 code':
        matches &&= packet.protocol === numberOf[subject] && packet.second === Number(value)
        break
      default: {
        assert.ok(field === 'dport' && numberOf[subject] !== undefined, text)
        const [from, to = from] = value.split('-').map(Number)
        matches &&= packet.protocol === numberOf[subject] && from! <= packet.first && packet.first <= to!
      }
    }
  }
  assert.deepEqual(words, ['accept'], text)
  return matches
}

const orNull = <T>(values: fc.Arbitrary<T>) => fc.oneof(fc.constant(null), values)
const port = fc.constantFrom(0, 1, 8, 22, 80, 65_535, 65_536, -1)
const ruleOf: fc.Arbitrary<Rule> = fc.record({
  id: fc.constant('r'),
  direction: fc.constant('ingress'),
  ethertype: fc.constantFrom('IPv4', 'IPv6'),
  protocol: orNull(fc.constantFrom(...Object.keys(protocols), 'x; accept', '999', '-1', '1.5', 'constructor')),
  portRangeMin: orNull(port),
  portRangeMax: orNull(port),
  remoteCidr: orNull(fc.constantFrom(...networks, ...broken)),
  remoteGroupId: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.constantFrom('friends', 'nobody', 'unknown')),
}) as fc.Arbitrary<Rule>
const packetOf: fc.Arbitrary<Packet> = fc.constantFrom(4 as const, 6 as const).chain((version) =>
  fc.record({
    version: fc.constant(version),
    peer:
      version === 4
        ? fc.constantFrom('10.0.0.5', '10.0.0.77', '172.20.1.1', '192.0.2.1')
        : fc.constantFrom('fd00::5', 'fd00::77', '2001:db8::1'),
    protocol: fc.constantFrom(1, 6, 17, 47, 58, 112, 132),
    first: fc.constantFrom(0, 1, 8, 22, 23, 80, 65_535),
    second: fc.constantFrom(0, 1, 22),
  }),
)

test('E2: rendered rules let in what the rules mean, and nothing more, on random rules and packets', () => {
  const described = ['friends', 'nobody'].map((id): Group => ({
    id,
    isStateful: true,
    rules: [],
    memberAddresses: members[id]!,
  }))
  const sets = new Map(groupSets(described).map(({ name, elements }) => [name, (elements ?? []) as string[]]))
  let opened = 0
  fc.assert(
    fc.property(
      fc.array(ruleOf, { maxLength: 4 }),
      fc.array(packetOf, { minLength: 5, maxLength: 20 }),
      (rules, packets) => {
        const problems: FilterProblem[] = []
        const group: Group = { id: 'g', isStateful: true, rules, memberAddresses: [] }
        const chain = groupChains(group, new Set(['friends', 'nobody']), problems)('in', 'accept')
        assert.equal(chain.rules.length + problems.length, rules.length, 'each is rendered or told')
        for (const packet of packets) {
          const isLetIn = chain.rules.some((text) => reads(text, packet, sets))
          if (isLetIn) opened++
          const isMeant = rules.some((rule) => means(rule, packet))
          // What was told as a problem may mean something; it must not be open.
          if (isLetIn || problems.length === 0)
            assert.equal(
              isLetIn,
              isMeant,
              `${JSON.stringify(packet)} ${JSON.stringify(rules)} ${chain.rules.join(' | ')}`,
            )
        }
      },
    ),
    { numRuns: 3000 },
  )
  assert.ok(opened > 1000, `only ${opened} packets were let in: the test tries nothing`)
})
