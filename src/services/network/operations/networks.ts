import type { NetworkDeps } from '../deps.ts'
import { conflict, invalidInput, networkInUse } from '../errors.ts'
import { mtuOf, providerSegment, tenantSegment } from '../ml2/segments.ts'
import {
  deleteEntity,
  insertRow,
  listRows,
  newEntity,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'
import { changed, flags } from './changes.ts'
import { removeFloatingIp } from './floating-ips.ts'
import { removePort } from './ports.ts'
import { requireQuota } from './quota.ts'
import { requireZones } from './zones.ts'

export interface NetworkInput {
  name?: string
  description?: string
  admin_state_up?: boolean
  shared?: boolean
  'router:external'?: boolean
  is_default?: boolean
  mtu?: number
  port_security_enabled?: boolean
  dns_domain?: string
  availability_zone_hints?: string[]
  'provider:network_type'?: string
  'provider:physical_network'?: string | null
  'provider:segmentation_id'?: number | null
}

/** Makes a network in `tx`; rights are the caller's business. */
export async function insertNetwork(tx: NetworkDb, deps: NetworkDeps, projectId: string, input: NetworkInput) {
  await requireQuota(tx, deps, projectId, 'network')
  await requireOnlyDefault(tx, null, input.is_default)
  await requireZones(tx, 'DHCP agent', input.availability_zone_hints)
  const type = input['provider:network_type']
  const ask = {
    physical_network: input['provider:physical_network'] ?? null,
    segmentation_id: input['provider:segmentation_id'] ?? null,
  }
  if (type === undefined && (ask.physical_network !== null || ask.segmentation_id !== null))
    throw invalidInput('network_type required')
  const segment =
    type === undefined ? await tenantSegment(tx, deps) : await providerSegment(tx, deps, { network_type: type, ...ask })
  const largest = mtuOf(segment.network_type, deps.config.globalPhysnetMtu)
  requireMtu(input.mtu, largest)
  const network: Row<'networks'> = {
    ...newEntity(projectId, input),
    admin_state_up: input.admin_state_up === false ? 0 : 1,
    shared: input.shared ? 1 : 0,
    is_external: input['router:external'] ? 1 : 0,
    is_default: input.is_default ? 1 : 0,
    // 0 asks for the largest.
    mtu: input.mtu || largest,
    port_security_enabled: input.port_security_enabled === false ? 0 : 1,
    dns_domain: input.dns_domain ?? '',
    zone_hints: JSON.stringify(input.availability_zone_hints ?? []),
    ...segment,
  }
  await insertRow(tx, 'networks', network)
  return network
}

/** Only one external network is where a project's automatic topology leads to. */
async function requireOnlyDefault(tx: NetworkDb, id: string | null, isDefault: boolean | undefined) {
  if (isDefault !== true) return
  const other = (await listRows(tx, 'networks', { is_default: 1 })).find((row) => row.id !== id)
  if (other) throw conflict('DefaultExternalNetworkExists', `A default external network already exists: ${other.id}.`)
}

function requireMtu(mtu: number | undefined, largest: number) {
  if (mtu !== undefined && mtu > largest) throw invalidInput(`Requested MTU is too big, maximum is ${largest}`)
}

/** Bytes that every IPv6 packet may have. */
const smallestIpv6Mtu = 1280

/** Throws NetworkMTUSubnetConflict where a subnet needs larger packets than the network carries. */
export function requireFittingMtu(networkId: string, mtu: number, subnets: readonly { ip_version: number }[]): void {
  if (mtu < smallestIpv6Mtu && subnets.some(({ ip_version: version }) => version === 6))
    throw conflict(
      'NetworkMTUSubnetConflict',
      `MTU of ${networkId} is not valid, subnet requires a minimum of ${smallestIpv6Mtu}`,
    )
}

export async function changeNetwork(tx: NetworkDb, deps: NetworkDeps, row: Row<'networks'>, input: NetworkInput) {
  const largest = mtuOf(row.network_type, deps.config.globalPhysnetMtu)
  requireMtu(input.mtu, largest)
  const mtu = input.mtu === undefined ? undefined : input.mtu || largest
  if (mtu !== undefined) requireFittingMtu(row.id, mtu, await listRows(tx, 'subnets', { network_id: row.id }))
  await requireOnlyDefault(tx, row.id, input.is_default)
  if (input.shared === false && row.shared === 1) await requireNoStrangers(tx, row)
  if (input['router:external'] === false && row.is_external === 1) await requireNoGateways(tx, row)
  await updateRow(tx, 'networks', row.id, {
    ...changed({ ...input, mtu }, ['name', 'description', 'mtu', 'dns_domain']),
    ...flags({
      admin_state_up: input.admin_state_up,
      shared: input.shared,
      is_external: input['router:external'],
      is_default: input.is_default,
      port_security_enabled: input.port_security_enabled,
    }),
    ...touched(row),
  })
}

/** Others' ports would be left in a network that they may no longer see. */
async function requireNoStrangers(tx: NetworkDb, network: Row<'networks'>) {
  const ports = await listRows(tx, 'ports', { network_id: network.id })
  const isStrange = (port: Row<'ports'>) =>
    port.project_id !== '' && port.project_id !== network.project_id && !port.device_owner.startsWith('network:')
  if (ports.some(isStrange))
    throw conflict(
      'InvalidSharedSetting',
      `Unable to reconfigure sharing settings for network ${network.id}. Multiple projects are using it.`,
    )
}

async function requireNoGateways(tx: NetworkDb, network: Row<'networks'>) {
  const gateways = await listRows(tx, 'ports', { network_id: network.id, device_owner: 'network:router_gateway' })
  if (gateways.length > 0)
    throw conflict(
      'ExternalNetworkInUse',
      `External network ${network.id} cannot be updated to be made non-external, since it has existing gateway ports.`,
    )
}

/**
 * Takes the DHCP port, the subnets and floating IPs that lead nowhere along. Throws NetworkInUse while anything else is
 * in it.
 */
export async function removeNetwork(tx: NetworkDb, id: string): Promise<void> {
  for (const floating of await listRows(tx, 'floating_ips', { floating_network_id: id, port_id: null }))
    await removeFloatingIp(tx, floating)
  const ports = await listRows(tx, 'ports', { network_id: id })
  if (ports.some((port) => port.device_owner !== 'network:dhcp')) throw networkInUse(id)
  for (const port of ports) await removePort(tx, port)
  for (const subnet of await listRows(tx, 'subnets', { network_id: id })) await deleteEntity(tx, 'subnets', subnet.id)
  await deleteEntity(tx, 'networks', id)
}
