/** Address translation of a router. Pure. */
import { ipVersion, parseCidr } from '../../../base/ip.ts'
import { nftInterface, rule, type NftTable } from '../../../host/nft.ts'
import type { HostRouter } from '../rpc/host-state.ts'
import { gatewayDevice } from './names.ts'

export const metadataPort = 9697

/** The tables of a router's namespace; floating IPs are maps, so that their number costs nothing. */
export function routerTables(router: HostRouter): NftTable[] {
  return [translation(router), filter()]
}

function translation({ gateway, interfaces, floatingIps }: HostRouter): NftTable {
  const pairs = floatingIps.filter(({ fixed, floating }) => ipVersion(fixed) === 4 && ipVersion(floating) === 4)
  return {
    family: 'ip',
    name: 'nephos-nat',
    maps: [
      {
        name: 'fip_dnat',
        type: 'ipv4_addr',
        valueType: 'ipv4_addr',
        elements: pairs.map(({ floating, fixed }) => [floating, fixed] as const),
      },
      {
        name: 'fip_snat',
        type: 'ipv4_addr',
        valueType: 'ipv4_addr',
        elements: pairs.map(({ floating, fixed }) => [fixed, floating] as const),
      },
    ],
    chains: [
      {
        name: 'pre',
        hook: { type: 'nat', hook: 'prerouting', priority: -100 },
        rules: [...metadataRules(interfaces), 'dnat to ip daddr map @fip_dnat'],
      },
      {
        name: 'post',
        hook: { type: 'nat', hook: 'postrouting', priority: 100 },
        rules: gateway ? sourceRules(gateway) : [],
      },
    ],
  }
}

/** By an address and not by `redirect`, which drops what comes in by an interface that has only IPv6. */
function metadataRules(interfaces: HostRouter['interfaces']): string[] {
  const own = firstIpv4(interfaces.flatMap(({ addresses }) => addresses))
  if (own === undefined) return []
  return [rule`iifname "qr-*" ip daddr 169.254.169.254 tcp dport 80 dnat to ${`${own}:${metadataPort}`}`]
}

const firstIpv4 = (addresses: readonly string[]): string | undefined =>
  addresses.map((each) => parseCidr(each).address).find((each) => ipVersion(each) === 4)

function sourceRules(gateway: NonNullable<HostRouter['gateway']>): string[] {
  const device = nftInterface(gatewayDevice(gateway.portId))
  const address = firstIpv4(gateway.addresses)
  const floating = rule`oifname ${device} snat to ip saddr map @fip_snat`
  if (!gateway.enableSnat || address === undefined) return [floating]
  return [
    floating,
    rule`oifname ${device} snat to ${address}`,
    // A guest asks a neighbour by its floating IP: the answer must come back this way.
    rule`oifname "qr-*" iifname "qr-*" ct status dnat snat to ${address}`,
  ]
}

function filter(): NftTable {
  const input = { type: 'filter', hook: 'input', priority: 0 } as const
  // Metadata tell a client by its address, which only our own networks vouch for.
  return {
    family: 'inet',
    name: 'nephos-filter',
    chains: [
      {
        name: 'input',
        hook: input,
        rules: [
          rule`iifname "qg-*" tcp dport ${metadataPort} drop`,
          // The program that advertises the router would answer DHCPv6 too, which is the DHCP agent's business.
          'iifname "qr-*" udp dport 547 drop',
        ],
      },
    ],
  }
}
