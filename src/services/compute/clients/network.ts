import { ServiceClient } from '../../../platform/http/client.ts'
import type { Secret } from '../../../platform/auth/secret.ts'
import type { NetworkApi, NetworkInfo, PortInfo, SecurityGroupInfo } from '../deps.ts'
import type { PortSubnet } from '../model/server.ts'

type Json = Record<string, unknown>

/** Neutron's v2.0 API as nova uses it. */
export function networkApi(client: ServiceClient): NetworkApi {
  const as = (token?: Secret) => (token ? client.withToken(token.reveal()) : client)
  const list = async (what: string, key: string, query: URLSearchParams, token?: Secret): Promise<Json[]> => {
    const { body } = await as(token).request({ method: 'GET', path: `/v2.0/${what}?${query}` })
    return (body as Record<string, Json[]>)[key] ?? []
  }
  const ids = (values: readonly string[]) => new URLSearchParams(values.map((id): [string, string] => ['id', id]))
  return {
    async listNetworks({ ids: wanted, projectId }, token) {
      if (wanted) return (await list('networks', 'networks', ids(wanted), token)).map(toNetwork)
      const [own, shared] = await Promise.all([
        list('networks', 'networks', new URLSearchParams({ project_id: projectId ?? '' }), token),
        list('networks', 'networks', new URLSearchParams({ shared: 'True' }), token),
      ])
      const all = [...own, ...shared].map(toNetwork)
      return all.filter(
        (each, index) => all.findIndex(({ id }) => id === each.id) === index && (!each.isExternal || each.isShared),
      )
    },
    listSubnets: async (wanted) =>
      wanted.length === 0 ? [] : (await list('subnets', 'subnets', ids(wanted))).map(toSubnet),
    async listSecurityGroups(projectId, token) {
      const groups = await list(
        'security-groups',
        'security_groups',
        new URLSearchParams({ project_id: projectId }),
        token,
      )
      return groups.map(({ id, name }): SecurityGroupInfo => ({ id: String(id), name: String(name) }))
    },
    async getPort(id, token) {
      const { status, body } = await as(token).request({
        method: 'GET',
        path: `/v2.0/ports/${encodeURIComponent(id)}`,
        accept: [404],
      })
      return status === 404 ? undefined : toPort((body as { port: Json }).port)
    },
    async listPorts(filter, token) {
      const query = new URLSearchParams(
        'deviceId' in filter
          ? { device_id: filter.deviceId }
          : { network_id: filter.networkId, fixed_ips: `ip_address=${filter.address}` },
      )
      return (await list('ports', 'ports', query, token)).map(toPort)
    },
    listHostPorts: async (host) =>
      (await list('ports', 'ports', new URLSearchParams({ 'binding:host_id': host }))).map(toPort),
    async canAutoAllocate(projectId, token) {
      const path = `/v2.0/auto-allocated-topology/${projectId}?fields=dry-run`
      return (await as(token).request({ method: 'GET', path, accept: [404, 409] })).status === 200
    },
    async autoAllocate(projectId) {
      const { body } = await client.request({ method: 'GET', path: `/v2.0/auto-allocated-topology/${projectId}` })
      return text((body as { auto_allocated_topology: Json }).auto_allocated_topology['id'])
    },
    async createPort(port) {
      const json = {
        port: {
          network_id: port.networkId,
          project_id: port.projectId,
          device_id: port.deviceId,
          device_owner: port.deviceOwner,
          admin_state_up: true,
          'binding:host_id': port.hostId,
          ...(port.fixedIp && { fixed_ips: [{ ip_address: port.fixedIp }] }),
          ...(port.securityGroups && { security_groups: port.securityGroups }),
        },
      }
      const { body } = await client.request({ method: 'POST', path: '/v2.0/ports', json })
      return toPort((body as { port: Json }).port)
    },
    async updatePort(id, { deviceId, deviceOwner, hostId }) {
      const json = { port: { device_id: deviceId, device_owner: deviceOwner, 'binding:host_id': hostId } }
      const { body } = await client.request({ method: 'PUT', path: `/v2.0/ports/${id}`, json })
      return toPort((body as { port: Json }).port)
    },
    async listFloatingIps(portIds) {
      if (portIds.length === 0) return []
      const query = new URLSearchParams(portIds.map((id): [string, string] => ['port_id', id]))
      return (await list('floatingips', 'floatingips', query)).map((each) => ({
        address: text(each['floating_ip_address']),
        portId: text(each['port_id']),
      }))
    },
    async deletePort(id) {
      await client.request({ method: 'DELETE', path: `/v2.0/ports/${id}`, accept: [404] })
    },
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const toNetwork = (network: Json): NetworkInfo => ({
  id: text(network['id']),
  name: text(network['name']),
  mtu: Number(network['mtu'] ?? 1500),
  projectId: text(network['project_id']),
  isShared: network['shared'] === true,
  isExternal: network['router:external'] === true,
  portSecurityEnabled: network['port_security_enabled'] !== false,
  subnets: (network['subnets'] ?? []) as string[],
})

const toSubnet = (subnet: Json): PortSubnet => ({
  id: text(subnet['id']),
  cidr: text(subnet['cidr']),
  gatewayIp: (subnet['gateway_ip'] ?? null) as string | null,
  version: subnet['ip_version'] === 6 ? 6 : 4,
  dnsNameservers: (subnet['dns_nameservers'] ?? []) as string[],
  enableDhcp: subnet['enable_dhcp'] === true,
  ipv6AddressMode: (subnet['ipv6_address_mode'] ?? null) as string | null,
  hostRoutes: (subnet['host_routes'] ?? []) as { destination: string; nexthop: string }[],
})

const toPort = (port: Json): PortInfo => ({
  id: text(port['id']),
  networkId: text(port['network_id']),
  projectId: text(port['project_id']),
  mac: text(port['mac_address']),
  status: text(port['status']),
  deviceId: text(port['device_id']),
  deviceOwner: text(port['device_owner']),
  hostId: text(port['binding:host_id']),
  vifType: text(port['binding:vif_type']),
  fixedIps: ((port['fixed_ips'] ?? []) as Json[]).map((ip) => ({
    subnetId: text(ip['subnet_id']),
    address: text(ip['ip_address']),
  })),
  securityGroups: (port['security_groups'] ?? []) as string[],
})
