/** Security groups as chains and sets. Pure. A rule that cannot be rendered is left out, which keeps its door closed. */
import { ipVersion, isIpv4, isIpv6 } from '../../../base/ip.ts'
import { nftNetwork, nftPorts, rule, type NftChain, type NftSet } from '../../../host/nft.ts'
import { protocolNumber } from '../model/protocols.ts'
import type { HostState } from '../rpc/host-state.ts'

type Group = HostState['securityGroups'][number]
type Rule = Group['rules'][number]
export interface FilterProblem {
  what: string
  message: string
  portId?: string
}

export const groupChain = (direction: 'in' | 'out', id: string) => `group-${direction}-${id}`

const setName = (id: string, version: 4 | 6) => `members${version}-${id}`

/** Who is in each group, for rules that name a group. */
export function groupSets(groups: readonly Group[]): NftSet[] {
  return groups.flatMap(({ id, memberAddresses }) =>
    ([4, 6] as const).map((version): NftSet => ({
      name: setName(id, version),
      type: version === 4 ? 'ipv4_addr' : 'ipv6_addr',
      elements: [...new Set(memberAddresses.filter((each) => (version === 4 ? isIpv4(each) : isIpv6(each))))].sort(),
    })),
  )
}

/**
 * The chains of a group, by direction and by what a rule that matches does. `known` are the groups that have sets. What
 * cannot be rendered is reported once and never opens anything.
 */
export function groupChains(
  group: Group,
  known: ReadonlySet<string>,
  problems: FilterProblem[],
): (direction: 'in' | 'out', accept: string) => NftChain {
  const matches = (direction: 'ingress' | 'egress') =>
    group.rules
      .filter((each) => each.direction === direction)
      .flatMap((each) => {
        try {
          if (each.remoteGroupId !== null && !known.has(each.remoteGroupId))
            throw new Error('its remote group is not described')
          return [matchOf(each)]
        } catch (error) {
          problems.push({ what: `security group rule ${each.id}`, message: String(error) })
          return []
        }
      })
  const all = { in: matches('ingress'), out: matches('egress') }
  return (direction, accept) => ({
    name: groupChain(direction, group.id),
    rules: all[direction].map((match) => `${match} ${accept}`),
  })
}

/** In words that mean the same in the inet and the bridge family. */
export function matchOf(each: Rule): string {
  const family = each.ethertype === 'IPv4' ? 'meta protocol ip' : 'meta protocol ip6'
  return [family, remoteMatch(each), protocolMatch(each)].filter(Boolean).join(' ')
}

function remoteMatch({ direction, ethertype, remoteCidr, remoteGroupId }: Rule): string {
  const version = ethertype === 'IPv4' ? 4 : 6
  const address = `${version === 4 ? 'ip' : 'ip6'} ${direction === 'ingress' ? 'saddr' : 'daddr'}`
  if (remoteGroupId !== null) return `${address} @${setName(remoteGroupId, version)}`
  if (remoteCidr === null) return ''
  const network = nftNetwork(remoteCidr)
  if (ipVersion(network.split('/')[0] ?? '') !== version) throw new Error(`${remoteCidr} is not ${ethertype}`)
  return network.endsWith('/0') ? '' : `${address} ${network}`
}

/** As in neutron, 0 and its names are no match on hop-by-hop options but every protocol. */
const anyProtocol = ['any', '0', 'ip', 'hopopt']
const withPorts: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp', 33: 'dccp', 132: 'sctp', 136: 'udplite' }

function protocolMatch({ protocol, ethertype, portRangeMin, portRangeMax }: Rule): string {
  if (protocol === null || anyProtocol.includes(protocol)) return ''
  const number = protocolNumber(protocol, ethertype)
  if (number === undefined) throw new Error(`protocol ${protocol} is not known`)
  if (number === 1 || number === 58) return icmpMatch(number, portRangeMin, portRangeMax)
  const name = withPorts[number]
  if (portRangeMin === null && portRangeMax === null) return rule`meta l4proto ${number}`
  if (name === undefined) throw new Error(`protocol ${protocol} has no ports`)
  return rule`${name} dport ${nftPorts(portRangeMin ?? 0, portRangeMax ?? portRangeMin ?? 65_535)}`
}

/** For ICMP the port range's fields are type and code. */
function icmpMatch(number: 1 | 58, type: number | null, code: number | null): string {
  const name = number === 1 ? 'icmp' : 'icmpv6'
  if (type === null) return rule`meta l4proto ${number}`
  return code === null ? rule`${name} type ${type}` : rule`${name} type ${type} ${name} code ${code}`
}
