/** network_data.json. Source: nova/virt/netutils.py (get_network_metadata), nova/network/neutron.py. */
import { netmaskOf, parseCidr, type IpVersion } from '../../../base/ip.ts'
import type { MetadataAddress, MetadataPort } from './document.ts'

/** Names that guests knew before `phy` was introduced; every other binding is one. */
const exposedTypes = ['bridge', 'dvs', 'hw_veb', 'hyperv', 'ovs', 'tap', 'vhostuser', 'vif']

/** Cards without an address are left out, and of a card its first network of either IP version counts: as in nova. */
export function networkData(ports: readonly MetadataPort[]) {
  if (ports.length === 0) return {}
  const cards = ports.filter(({ addresses }) => addresses.length > 0)
  const uses = cards.flatMap((port) =>
    ([4, 6] as const).flatMap((version) => {
      const address = port.addresses.find((each) => versionOf(each) === version)
      return address ? [{ port, address, version }] : []
    }),
  )
  const services = uses.flatMap(({ address }) => dnsServices(address))
  return {
    links: cards.map(link),
    networks: uses.map((use, index) => network(use, index)),
    services: services.filter((each, at) => services.findIndex(({ address }) => address === each.address) === at),
  }
}

const versionOf = ({ ip }: MetadataAddress): IpVersion => (ip.includes(':') ? 6 : 4)

const link = ({ id, mac, mtu, tap, vifType, addresses }: MetadataPort) => ({
  id: tap,
  vif_id: id,
  type: exposedTypes.includes(vifType) ? vifType : 'phy',
  // A DHCP server tells it, and whoever changes it there wants it followed.
  mtu: addresses.some(({ isDhcp }) => isDhcp) ? null : mtu,
  ethernet_mac_address: mac,
})

interface Use {
  port: MetadataPort
  address: MetadataAddress
  version: IpVersion
}

function network({ port, address, version }: Use, index: number) {
  const base = { id: `network${index}`, link: port.tap, network_id: port.networkId }
  const { ipv6AddressMode: mode, isDhcp, ip, cidr } = address
  if (mode === null && isDhcp) return { ...base, type: `ipv${version}_dhcp` }
  return {
    ...base,
    type: `ipv${version}${mode === null ? '' : `_${mode}`}`,
    ip_address: ip,
    netmask: netmask(cidr),
    routes: [...defaultRoute(address, version), ...hostRoutes(address)],
    services: dnsServices(address),
  }
}

function defaultRoute({ gateway }: MetadataAddress, version: IpVersion) {
  if (gateway === null) return []
  const all = version === 4 ? '0.0.0.0' : '::'
  return [{ network: all, netmask: all, gateway }]
}

const hostRoutes = ({ routes }: MetadataAddress) =>
  routes.map(({ destination, nexthop }) => ({
    network: parseCidr(destination).network,
    netmask: netmask(destination),
    gateway: nexthop,
  }))

const dnsServices = ({ dns }: MetadataAddress) => dns.map((address) => ({ type: 'dns', address }))

function netmask(cidr: string): string {
  const { prefix, version } = parseCidr(cidr)
  return netmaskOf(prefix, version)
}
