import type { NetworkDeps } from '../deps.ts'
import { badAttribute, badRequest, badRequestFor, conflict, invalidInput, subnetInUse } from '../errors.ts'
import { formatAddress, formatPrefix, overlaps, parsePrefix, type Prefix } from '../model/address.ts'
import { slaacAddress } from '../model/ipam.ts'
import { addressing, requireAddresses, requireModes } from '../model/subnet.ts'
import {
  deleteEntity,
  deleteRows,
  findRow,
  insertRow,
  listRows,
  newEntity,
  parseList,
  touch,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'
import { isSlaac } from './addresses.ts'
import { changed, flags } from './changes.ts'
import { ensureDhcpPort } from './dhcp.ts'
import { requireFittingMtu } from './networks.ts'
import { requireQuota } from './quota.ts'
import { allocatePrefix, poolOf, requireAffinity } from './subnet-pools.ts'

export interface SubnetInput {
  name?: string
  description?: string
  network_id: string
  ip_version?: 4 | 6
  cidr?: string | null
  prefixlen?: number
  subnetpool_id?: string | null
  use_default_subnetpool?: boolean
  gateway_ip?: string | null
  allocation_pools?: { start: string; end: string }[]
  enable_dhcp?: boolean
  dns_nameservers?: string[]
  host_routes?: { destination: string; nexthop: string }[]
  ipv6_ra_mode?: string | null
  ipv6_address_mode?: string | null
  service_types?: string[]
}

/** Makes a subnet in `tx`, of its own prefix or from a pool; rights are the caller's business. */
export async function insertSubnet(
  tx: NetworkDb,
  deps: NetworkDeps,
  network: Row<'networks'>,
  projectId: string,
  input: SubnetInput,
): Promise<Row<'subnets'>> {
  await requireQuota(tx, deps, projectId, 'subnet')
  if (input.cidr != null && input.prefixlen !== undefined)
    throw badRequestFor('subnets', 'cidr and prefixlen must not be supplied together')
  const pool = await poolOf(tx, input)
  const prefix = pool ? await allocatePrefix(tx, pool, projectId, input) : ownPrefix(input)
  requireAddresses('new subnet', prefix.version, input)
  requireServiceTypes(input.service_types)
  const modes = {
    ip_version: prefix.version,
    enable_dhcp: input.enable_dhcp !== false,
    ipv6_ra_mode: input.ipv6_ra_mode ?? null,
    ipv6_address_mode: input.ipv6_address_mode ?? null,
  }
  requireModes(prefix, modes)
  await requireAffinity(tx, network.id, prefix.version, pool)
  await requireNoOverlap(tx, network.id, prefix)
  requireFittingMtu(network.id, network.mtu, [modes])
  const subnet: Row<'subnets'> = {
    ...newEntity(projectId, input),
    network_id: network.id,
    ...addressing(prefix, input),
    ...modes,
    enable_dhcp: modes.enable_dhcp ? 1 : 0,
    dns_nameservers: JSON.stringify(input.dns_nameservers ?? []),
    host_routes: JSON.stringify(input.host_routes ?? []),
    subnetpool_id: pool?.id ?? null,
    service_types: JSON.stringify(input.service_types ?? []),
  }
  await insertRow(tx, 'subnets', subnet)
  if (isSlaac(subnet)) await giveAutomaticAddresses(tx, subnet)
  await ensureDhcpPort(tx, deps, network)
  await touch(tx, 'networks', network)
  return subnet
}

function ownPrefix(input: SubnetInput): Prefix {
  if (input.cidr == null) throw badRequestFor('subnets', 'a subnetpool must be specified in the absence of a cidr')
  const prefix = parsePrefix(input.cidr)
  if (!prefix) throw badAttribute('cidr', `'${input.cidr}' is not a valid IP subnet`)
  if (input.ip_version === undefined)
    throw badRequestFor('subnets', 'ip_version must be specified in the absence of cidr and subnetpool_id')
  if (prefix.version !== input.ip_version)
    throw invalidInput(`cidr '${input.cidr}' does not match the ip_version '${input.ip_version}'`)
  if (prefix.version === 6 && prefix.first === 0n) throw invalidInput("IPv6 subnet '::' is not supported")
  return prefix
}

const owners = ['network:', 'compute:', 'neutron:', 'baremetal:']

function requireServiceTypes(types: readonly string[] = []) {
  const wrong = types.find((type) => !owners.some((owner) => type.startsWith(owner)))
  if (wrong !== undefined)
    throw badRequest(
      'InvalidSubnetServiceType',
      `Subnet service type ${wrong} does not correspond to a valid device owner.`,
    )
}

async function requireNoOverlap(tx: NetworkDb, networkId: string, prefix: Prefix) {
  for (const other of await listRows(tx, 'subnets', { network_id: networkId })) {
    if (overlaps(parsePrefix(other.cidr)!, prefix))
      throw invalidInput(
        `Requested subnet with cidr: ${formatPrefix(prefix)} for network: ${networkId} overlaps with another subnet`,
      )
  }
}

/** Guests take an address of the new subnet by themselves; their ports have to know it. */
async function giveAutomaticAddresses(tx: NetworkDb, subnet: Row<'subnets'>) {
  const prefix = parsePrefix(subnet.cidr)!
  for (const port of await listRows(tx, 'ports', { network_id: subnet.network_id })) {
    if (port.device_owner.startsWith('network:')) continue
    const ip = formatAddress(6, slaacAddress(prefix, port.mac_address))
    await insertRow(tx, 'ip_allocations', { subnet_id: subnet.id, ip, port_id: port.id, network_id: port.network_id })
  }
}

export async function changeSubnet(
  tx: NetworkDb,
  deps: NetworkDeps,
  row: Row<'subnets'>,
  input: Omit<SubnetInput, 'network_id'>,
): Promise<void> {
  requireAddresses(row.id, row.ip_version, input)
  requireServiceTypes(input.service_types)
  const prefix = parsePrefix(row.cidr)!
  const before = { gateway_ip: row.gateway_ip, allocation_pools: parseList<{ start: string; end: string }>(row.pools) }
  const { gateway_ip, pools } = addressing(prefix, {
    ...before,
    ...changed(input, ['gateway_ip', 'allocation_pools']),
  })
  if (gateway_ip !== row.gateway_ip) await requireFreeGateway(tx, row)
  if (input.enable_dhcp === true && row.enable_dhcp === 0) requireModes(prefix, { ...row, enable_dhcp: true })
  await updateRow(tx, 'subnets', row.id, {
    ...changed(input, ['name', 'description']),
    ...flags({ enable_dhcp: input.enable_dhcp }),
    ...(input.dns_nameservers && { dns_nameservers: JSON.stringify(input.dns_nameservers) }),
    ...(input.host_routes && { host_routes: JSON.stringify(input.host_routes) }),
    ...(input.service_types && { service_types: JSON.stringify(input.service_types) }),
    gateway_ip,
    pools,
    ...touched(row),
  })
  const network = (await findRow(tx, 'networks', { id: row.network_id }))!
  if (input.enable_dhcp !== undefined) await ensureDhcpPort(tx, deps, network)
  await touch(tx, 'networks', network)
}

/** A router answers at the gateway's address: it has to go first. */
async function requireFreeGateway(tx: NetworkDb, subnet: Row<'subnets'>) {
  if (subnet.gateway_ip === null) return
  const [used] = await listRows(tx, 'ip_allocations', { subnet_id: subnet.id, ip: subnet.gateway_ip })
  const port = used && (await findRow(tx, 'ports', { id: used.port_id }))
  if (port?.device_owner === 'network:router_interface')
    throw conflict(
      'GatewayIpInUse',
      `Current gateway ip ${subnet.gateway_ip} already in use by port ${port.id}. Unable to update.`,
    )
}

/** Removes a subnet; addresses that guests took by themselves go with it. Throws SubnetInUse on any other. */
export async function removeSubnet(tx: NetworkDb, deps: NetworkDeps, row: Row<'subnets'>): Promise<void> {
  const used = await listRows(tx, 'ip_allocations', { subnet_id: row.id })
  const ports = await listRows(tx, 'ports', { id: used.map((each) => each.port_id) })
  const isHeld = (port: Row<'ports'>) =>
    isSlaac(row) ? port.device_owner.startsWith('network:router') : port.device_owner !== 'network:dhcp'
  if (ports.some(isHeld)) throw subnetInUse(row.id)
  await deleteRows(tx, 'ip_allocations', { subnet_id: row.id })
  await deleteEntity(tx, 'subnets', row.id)
  const network = await findRow(tx, 'networks', { id: row.network_id })
  if (!network) return
  await ensureDhcpPort(tx, deps, network)
  await touch(tx, 'networks', network)
}
