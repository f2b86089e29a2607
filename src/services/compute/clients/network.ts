import type { ServiceClient } from '../../../platform/http/client.ts'
import { NetworkClient, type Network, type Port, type Subnet } from '../../network/client.ts'
import type { NetworkApi, NetworkInfo, PortInfo } from '../deps.ts'
import type { PortSubnet } from '../model/server.ts'

/** Neutron's v2.0 API as nova uses it. */
export function networkApi(client: ServiceClient): NetworkApi {
  const neutron = new NetworkClient(client)
  return {
    async listNetworks({ ids, projectId = '' }, token) {
      const asked = neutron.as(token)
      if (ids) return (await asked.listNetworks({ id: ids })).map(toNetwork)
      const [own, shared] = await Promise.all([
        asked.listNetworks({ project_id: projectId }),
        asked.listNetworks({ shared: 'True' }),
      ])
      const all = [...own, ...shared].map(toNetwork)
      return all.filter(
        (each, index) => all.findIndex(({ id }) => id === each.id) === index && (!each.isExternal || each.isShared),
      )
    },
    listSubnets: async (ids) => (ids.length === 0 ? [] : (await neutron.listSubnets({ id: ids })).map(toSubnet)),
    async listSecurityGroups(projectId, token) {
      const groups = await neutron.as(token).listSecurityGroups({ project_id: projectId })
      return groups.map(({ id, name }) => ({ id, name }))
    },
    async getPort(id, token) {
      const port = await neutron.as(token).findPort(id)
      return port && toPort(port)
    },
    async listPorts(filter, token) {
      const query =
        'deviceId' in filter
          ? { device_id: filter.deviceId }
          : { network_id: filter.networkId, fixed_ips: `ip_address=${filter.address}` }
      return (await neutron.as(token).listPorts(query)).map(toPort)
    },
    listHostPorts: async (host) => (await neutron.listPorts({ 'binding:host_id': host })).map(toPort),
    canAutoAllocate: (projectId, token) => neutron.as(token).canAutoAllocate(projectId),
    autoAllocate: (projectId) => neutron.autoAllocate(projectId),
    createPort: async (port) =>
      toPort(
        await neutron.createPort({
          network_id: port.networkId,
          project_id: port.projectId,
          device_id: port.deviceId,
          device_owner: port.deviceOwner,
          admin_state_up: true,
          'binding:host_id': port.hostId,
          ...(port.fixedIp !== undefined && { fixed_ips: [{ ip_address: port.fixedIp }] }),
          ...(port.securityGroups && { security_groups: [...port.securityGroups] }),
        }),
      ),
    updatePort: async (id, { deviceId, deviceOwner, hostId }) =>
      toPort(
        await neutron.updatePort(id, { device_id: deviceId, device_owner: deviceOwner, 'binding:host_id': hostId }),
      ),
    async listFloatingIps(portIds) {
      if (portIds.length === 0) return []
      const found = await neutron.listFloatingIps({ port_id: portIds })
      return found.map((each) => ({ address: each.floating_ip_address, portId: each.port_id ?? '' }))
    },
    deletePort: (id) => neutron.deletePort(id),
  }
}

const toNetwork = (network: Network): NetworkInfo => ({
  id: network.id,
  name: network.name,
  mtu: network.mtu,
  projectId: network.project_id,
  isShared: network.shared,
  isExternal: network['router:external'],
  portSecurityEnabled: network.port_security_enabled,
  subnets: [...network.subnets],
})

const toSubnet = (subnet: Subnet): PortSubnet => ({
  id: subnet.id,
  cidr: subnet.cidr,
  gatewayIp: subnet.gateway_ip,
  version: subnet.ip_version === 6 ? 6 : 4,
  dnsNameservers: [...subnet.dns_nameservers],
  enableDhcp: subnet.enable_dhcp,
  ipv6AddressMode: subnet.ipv6_address_mode,
  hostRoutes: subnet.host_routes.map(({ destination, nexthop }) => ({ destination, nexthop })),
})

const toPort = (port: Port): PortInfo => ({
  id: port.id,
  networkId: port.network_id,
  projectId: port.project_id,
  mac: port.mac_address,
  status: port.status,
  deviceId: port.device_id,
  deviceOwner: port.device_owner,
  hostId: port['binding:host_id'] ?? '',
  vifType: port['binding:vif_type'] ?? '',
  fixedIps: port.fixed_ips.map((ip) => ({ subnetId: ip.subnet_id, address: ip.ip_address })),
  securityGroups: [...port.security_groups],
})
