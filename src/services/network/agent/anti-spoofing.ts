/** What a guest may call itself. Pure. */
import { isIpv4 } from '../../../base/ip.ts'
import { nftMac, nftNetwork, rule, type NftChain } from '../../../host/nft.ts'
import type { HostPort } from '../rpc/host-state.ts'

/**
 * Frames with the port's MAC and addresses (or an allowed pair's) return, DHCP clients too; DHCP servers, routers and
 * everybody else are dropped. An allowed address never lets a guest serve DHCP or be a router of IPv6.
 */
export function spoofingChain(name: string, port: HostPort): NftChain {
  const pairs = [
    ...port.fixedIps.map(({ ip }) => ({ mac: port.mac, cidr: ip })),
    ...port.allowedAddressPairs.map(({ mac, cidr }) => ({ mac, cidr })),
  ].map(({ mac, cidr }) => ({ mac: nftMac(mac), network: nftNetwork(cidr) }))
  const macs = [...new Set([nftMac(port.mac), ...pairs.map(({ mac }) => mac)])]
  const v4 = pairs.filter(({ network }) => isV4(network))
  const v6 = pairs.filter(({ network }) => !isV4(network))
  return {
    name,
    rules: [
      rule`ether saddr != ${macs} drop`,
      ...v4.map(({ mac, network }) => rule`arp saddr ether ${mac} arp saddr ip ${network} return`),
      // A client asks whether an address is free before it has one.
      ...macs.map((mac) => rule`arp saddr ether ${mac} arp saddr ip 0.0.0.0 return`),
      'ip saddr 0.0.0.0 udp sport 68 udp dport 67 return',
      'udp sport 67 drop',
      'udp sport 547 drop',
      'icmpv6 type nd-router-advert drop',
      ...v4.map(({ mac, network }) => rule`ether saddr ${mac} ip saddr ${network} return`),
      ...v6.map(({ mac, network }) => rule`ether saddr ${mac} ip6 saddr ${network} return`),
      ...macs.map((mac) => rule`ether saddr ${mac} ip6 saddr ${linkLocalOf(mac)} return`),
      'ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit, mld-listener-report, mld2-listener-report } return',
      'drop',
    ],
  }
}

const isV4 = (network: string) => isIpv4(network.split('/')[0] ?? '')

/** The address that IPv6 derives from a MAC (EUI-64). */
export function linkLocalOf(mac: string): string {
  const bytes = mac.split(':').map((each) => parseInt(each, 16))
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes
  const words = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f]
  return `fe80::${words.map((word) => word.toString(16)).join(':')}`
}
