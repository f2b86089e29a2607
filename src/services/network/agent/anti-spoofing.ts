/** What a guest may call itself. Pure. */
import { isIpv4, parseCidr } from '../../../base/ip.ts'
import { nftMac, nftNetwork, rule, type NftChain } from '../../../host/nft.ts'
import type { HostPort } from '../rpc/host-state.ts'

interface Identity {
  mac: string
  /** Undefined: any address. */
  network: string | undefined
}

/**
 * Frames with the port's MAC and addresses (or an allowed pair's) return, DHCP clients too; DHCP servers, routers and
 * everybody else are dropped, and frames with VLAN tags, which would hide what they carry. An allowed address never
 * lets a guest serve DHCP or be a router of IPv6.
 */
export function spoofingChain(name: string, port: HostPort): NftChain {
  const pairs = [
    ...port.fixedIps.map(({ ip }) => ({ mac: port.mac, cidr: ip })),
    ...port.allowedAddressPairs.map(({ mac, cidr }) => ({ mac, cidr })),
  ]
  const v4 = identities(pairs.filter(({ cidr }) => isV4(cidr)))
  const v6 = identities(pairs.filter(({ cidr }) => !isV4(cidr)))
  const macs = [...new Set([port.mac, ...pairs.map(({ mac }) => mac)].map(nftMac))]
  const local = macs.map((mac): Identity => ({ mac, network: linkLocalOf(mac) }))
  return {
    name,
    rules: [
      rule`ether saddr != ${macs} drop`,
      'ether type { 8021q, 8021ad } drop',
      ...v4.map(mayAnnounce4),
      // A client asks whether an address is free before it has one.
      ...macs.map((mac) => rule`arp saddr ether ${mac} arp saddr ip 0.0.0.0 return`),
      'ip saddr 0.0.0.0 udp sport 68 udp dport 67 return',
      'udp sport 67 drop',
      'udp sport 547 drop',
      'icmpv6 type { nd-router-advert, nd-redirect } drop',
      // The target is what neighbours will believe, whatever the packet's source says.
      ...[...local, ...v6].map(mayAnnounce6),
      'icmpv6 type nd-neighbor-advert drop',
      ...v4.map(({ mac, network }) =>
        network === undefined
          ? rule`ether saddr ${mac} meta protocol ip return`
          : rule`ether saddr ${mac} ip saddr ${network} return`,
      ),
      ...[...local, ...v6].map(({ mac, network }) =>
        network === undefined
          ? rule`ether saddr ${mac} meta protocol ip6 return`
          : rule`ether saddr ${mac} ip6 saddr ${network} return`,
      ),
      'ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit, mld-listener-report, mld2-listener-report } return',
      'drop',
    ],
  }
}

const isV4 = (cidr: string) => isIpv4(cidr.split('/')[0] ?? '')

function identities(pairs: readonly { mac: string; cidr: string }[]): Identity[] {
  return pairs.map(({ mac, cidr }) => ({
    mac: nftMac(mac),
    network: parseCidr(cidr).prefix === 0 ? undefined : nftNetwork(cidr),
  }))
}

function mayAnnounce4({ mac, network }: Identity): string {
  return network === undefined
    ? rule`arp saddr ether ${mac} return`
    : rule`arp saddr ether ${mac} arp saddr ip ${network} return`
}

/** nftables has no name for the target of a neighbour advertisement: 8 bytes into the ICMPv6 header. */
function mayAnnounce6({ mac, network }: Identity): string {
  if (network === undefined) return rule`ether saddr ${mac} icmpv6 type nd-neighbor-advert return`
  const { network: first, prefix } = parseCidr(network)
  const bits = BigInt(`0x${bytesOf(first)}`) >> BigInt(128 - prefix)
  return rule`ether saddr ${mac} icmpv6 type nd-neighbor-advert @th,64,${prefix} ${`0x${bits.toString(16)}`} return`
}

/** The 32 hexadecimal digits of an IPv6 address in RFC 5952's form. */
function bytesOf(address: string): string {
  const [head = '', tail] = address.split('::')
  const words = (text: string) => (text === '' ? [] : text.split(':').flatMap(wordsOf))
  const front = words(head)
  const back = tail === undefined ? [] : words(tail)
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0')
  return [...front, ...zeros, ...back].map((word) => word.padStart(4, '0')).join('')
}

/** The last 32 bits may be written as an IPv4 address. */
function wordsOf(group: string): string[] {
  if (!group.includes('.')) return [group]
  const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
  return [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)]
}

/** The address that IPv6 derives from a MAC (EUI-64). */
export function linkLocalOf(mac: string): string {
  const bytes = mac.split(':').map((each) => parseInt(each, 16))
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes
  const words = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f]
  return `fe80::${words.map((word) => word.toString(16)).join(':')}`
}
