import { Unavailable } from '../../../platform/errors.ts'
import { recordEvent } from '../../../platform/saga/timeline.ts'
import type { NetworkDeps } from '../deps.ts'
import { badRequest, conflict, macAddressInUse } from '../errors.ts'
import { generateMac } from '../model/mac.ts'
import { isRouterInterface, mergeOptions, readPairs, type AddressPair, type DhcpOption } from '../model/port.ts'
import { bind, noteBinding } from '../ml2/binding.ts'
import {
  deleteEntity,
  deleteRows,
  findRow,
  insertRow,
  listRows,
  newEntity,
  parseList,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'
import { groupsIn } from '../store/members.ts'
import { addTags } from '../store/tags.ts'
import { allocate, reallocate, release, renewAutomatic, type AddressRequest } from './addresses.ts'
import { changed, flags } from './changes.ts'
import { defaultGroup } from './security-groups.ts'

export interface PortInput {
  name?: string
  description?: string
  /** Null asks for another one. */
  mac_address?: string | null
  admin_state_up?: boolean
  device_id?: string
  device_owner?: string
  fixed_ips?: AddressRequest[]
  port_security_enabled?: boolean
  security_groups?: string[]
  allowed_address_pairs?: AddressPair[]
  extra_dhcp_opts?: DhcpOption[]
  dns_name?: string
  tags?: string[]
  'binding:host_id'?: string | null
  'binding:vnic_type'?: string
  'binding:profile'?: Record<string, unknown> | null
}

const macTries = 5

/** Makes a port with its addresses in `tx`. Quota and rights are the caller's business. */
export async function insertPort(
  tx: NetworkDb,
  deps: NetworkDeps,
  network: Row<'networks'>,
  projectId: string,
  input: PortInput,
): Promise<Row<'ports'>> {
  const owner = input.device_owner ?? ''
  const isService = owner.startsWith('network:')
  const security = input.port_security_enabled ?? (isService ? false : network.port_security_enabled === 1)
  requireFilters(security, input.security_groups ?? [], input.allowed_address_pairs ?? [])
  const groups = !security || isService ? [] : (input.security_groups ?? [await defaultGroup(tx, projectId)])
  const host = input['binding:host_id'] ?? ''
  const vnicType = input['binding:vnic_type'] ?? 'normal'
  const binding = await bind(tx, deps, network, host, vnicType)
  for (let attempt = 1; ; attempt++) {
    const mac = input.mac_address ?? generateMac()
    const port: Row<'ports'> = {
      ...newEntity(projectId, input),
      network_id: network.id,
      mac_address: mac,
      admin_state_up: input.admin_state_up === false ? 0 : 1,
      status: 'DOWN',
      device_id: input.device_id ?? '',
      device_owner: owner,
      port_security_enabled: security ? 1 : 0,
      security_groups: JSON.stringify(groups),
      allowed_address_pairs: JSON.stringify(readPairs(input.allowed_address_pairs ?? [], mac)),
      extra_dhcp_opts: JSON.stringify(mergeOptions([], input.extra_dhcp_opts ?? [])),
      host_id: host,
      vif_type: binding.vif_type,
      vnic_type: vnicType,
      profile: JSON.stringify(input['binding:profile'] ?? {}),
      dns_name: input.dns_name ?? '',
    }
    if (await insertRow(tx, 'ports', port)) {
      await noteBinding(tx, port.id, binding)
      await allocate(tx, deps, port, input.fixed_ips)
      if (input.tags && input.tags.length > 0) await addTags(tx, 'ports', port.id, input.tags)
      return port
    }
    if (input.mac_address != null) throw macAddressInUse(input.mac_address, network.id)
    if (attempt === macTries)
      throw new Unavailable(`Unable to generate unique mac on network ${network.id}.`, {
        code: 'MacAddressGenerationFailure',
      })
  }
}

/** Filters want port security: without it nothing would apply them. */
function requireFilters(isSecure: boolean, groups: readonly string[], pairs: readonly AddressPair[]) {
  if (isSecure) return
  if (groups.length > 0)
    throw badRequest(
      'PortSecurityAndIPRequiredForSecurityGroups',
      'Port security must be enabled and port must have an IP address in order to use security groups.',
    )
  if (pairs.length > 0)
    throw conflict(
      'AddressPairAndPortSecurityRequired',
      'Port Security must be enabled in order to have allowed address pairs on a port.',
    )
}

/** Changes a port; a new host binds it anew. */
export async function changePort(
  tx: NetworkDb,
  deps: NetworkDeps,
  network: Row<'networks'>,
  port: Row<'ports'>,
  input: PortInput,
): Promise<void> {
  const host = input['binding:host_id'] === undefined ? port.host_id : (input['binding:host_id'] ?? '')
  const vnicType = input['binding:vnic_type'] ?? port.vnic_type
  const isBoundAnew = host !== port.host_id || vnicType !== port.vnic_type
  const binding = isBoundAnew ? await bind(tx, deps, network, host, vnicType) : undefined
  const mac = newMac(port, input)
  requireChange(port, input)
  const changes: Partial<Row<'ports'>> = {
    ...changed(input, ['name', 'description', 'device_id', 'device_owner']),
    ...flags({ admin_state_up: input.admin_state_up, port_security_enabled: input.port_security_enabled }),
    ...(mac !== undefined && { mac_address: mac }),
    ...(input.security_groups && { security_groups: JSON.stringify(input.security_groups) }),
    ...(input.allowed_address_pairs && {
      allowed_address_pairs: JSON.stringify(readPairs(input.allowed_address_pairs, mac ?? port.mac_address)),
    }),
    ...(input.extra_dhcp_opts && {
      extra_dhcp_opts: JSON.stringify(mergeOptions(parseList<DhcpOption>(port.extra_dhcp_opts), input.extra_dhcp_opts)),
    }),
    ...(input['binding:vnic_type'] !== undefined && { vnic_type: vnicType }),
    ...(input['binding:profile'] !== undefined && { profile: JSON.stringify(input['binding:profile'] ?? {}) }),
    ...(input.dns_name !== undefined && { dns_name: input.dns_name }),
    ...(binding && { host_id: host, vif_type: binding.vif_type, status: 'DOWN' }),
    ...touched(port),
  }
  await updateRow(tx, 'ports', port.id, changes)
  if (binding) {
    await noteBinding(tx, port.id, binding)
    // The host it was prepared for has it now; a port without a host needs no other either.
    await deleteRows(tx, 'port_bindings', host === '' ? { port_id: port.id } : { port_id: port.id, host })
  }
  const identity = { ...port, mac_address: mac ?? port.mac_address }
  if (mac !== undefined) await renewAutomatic(tx, identity)
  if (input.fixed_ips) await changeAddresses(tx, deps, identity, input.fixed_ips)
}

/** The IPv4 address of a router's interface is the way out of a subnet: it comes and goes with the interface. */
async function changeAddresses(
  tx: NetworkDb,
  deps: NetworkDeps,
  port: Row<'ports'>,
  asked: readonly AddressRequest[],
): Promise<void> {
  const ipv4 = async () =>
    (await listRows(tx, 'ip_allocations', { port_id: port.id }))
      .map(({ ip }) => ip)
      .filter((ip) => !ip.includes(':'))
      .sort()
      .join()
  const before = await ipv4()
  await reallocate(tx, deps, port, asked)
  const isOfRouter = isRouterInterface(port.device_owner) && (await findRow(tx, 'routers', { id: port.device_id }))
  if (isOfRouter && (await ipv4()) !== before)
    throw badRequest('IPAddressChangeNotAllowed', `IP updates for port ${port.id} are not allowed`)
}

function newMac(port: Row<'ports'>, input: PortInput): string | undefined {
  if (input.mac_address === undefined) return undefined
  const mac = input.mac_address ?? generateMac()
  if (mac === port.mac_address) return undefined
  if (port.vif_type !== 'unbound' && port.vif_type !== 'binding_failed')
    throw conflict(
      'PortBound',
      `Unable to complete operation on port ${port.id}, port is already bound, port type: ${port.vif_type}, old_mac ${port.mac_address}, new_mac ${mac}.`,
    )
  return mac
}

function requireChange(port: Row<'ports'>, input: PortInput) {
  const isSecure = input.port_security_enabled ?? port.port_security_enabled === 1
  const pairs = input.allowed_address_pairs ?? parseList<AddressPair>(port.allowed_address_pairs)
  if (!isSecure && input.port_security_enabled === false && input.security_groups === undefined) {
    if (groupsIn(port).length > 0)
      throw conflict(
        'PortSecurityPortHasSecurityGroup',
        'Port has security group associated. Cannot disable port security or IP address until security group is removed.',
      )
  }
  requireFilters(isSecure, input.security_groups ?? [], pairs)
}

/** Removes a port with its addresses; floating IPs lose it. */
export async function removePort(tx: NetworkDb, port: Row<'ports'>): Promise<void> {
  await release(tx, port.id)
  await deleteRows(tx, 'port_bindings', { port_id: port.id })
  const nowhere = { port_id: null, fixed_ip_address: null, router_id: null, status: 'DOWN' }
  for (const floating of await listRows(tx, 'floating_ips', { port_id: port.id }))
    await updateRow(tx, 'floating_ips', floating.id, nowhere)
  await deleteEntity(tx, 'ports', port.id)
}

/** Nova hears that ports of its servers have other addresses, fixed or floating. */
export async function tellOfAddresses(deps: NetworkDeps, portIds: readonly (string | null)[]): Promise<void> {
  const ids = portIds.filter((id) => id !== null)
  if (ids.length === 0) return
  const ports = await listRows(deps.database.db, 'ports', { id: ids })
  deps.notifyCompute(
    ports
      .filter((port) => port.device_owner.startsWith('compute:') && port.device_id !== '')
      .map((port) => ({ name: 'network-changed', server: port.device_id, port: port.id })),
  )
}

/** Ports that are wired now become ACTIVE, and nova hears of its own. */
export async function setStatus(
  deps: NetworkDeps,
  host: string,
  ids: readonly string[],
  status: 'ACTIVE' | 'DOWN',
): Promise<void> {
  if (ids.length === 0) return
  const { db } = deps.database
  const ports = await listRows(db, 'ports', { id: ids, host_id: host })
  const name = status === 'ACTIVE' ? 'network-vif-plugged' : 'network-vif-unplugged'
  const changed = ports.filter((port) => port.status !== status)
  for (const port of changed) {
    await updateRow(db, 'ports', port.id, { status })
    await recordEvent(db, {
      resourceId: port.id,
      requestId: null,
      at: Date.now(),
      what: name,
      outcome: 'info',
      detail: `on ${host}`,
    })
  }
  // Nova may have missed an earlier word: an ACTIVE port that is reported again is told again.
  const told = status === 'ACTIVE' ? ports : changed
  deps.notifyCompute(
    told
      .filter((port) => port.device_owner.startsWith('compute:'))
      .map((port) => ({ name, server: port.device_id, port: port.id })),
  )
}

/** A port that its host cannot wire: the port and its server tell why, and nova need not wait for it. */
export async function setFailed(deps: NetworkDeps, host: string, id: string, reason: string): Promise<void> {
  const { db } = deps.database
  const port = await findRow(db, 'ports', { id, host_id: host })
  if (!port) return
  if (port.status !== 'ACTIVE') await updateRow(db, 'ports', id, { status: 'ERROR' })
  const isOfServer = port.device_owner.startsWith('compute:') && port.device_id !== ''
  const event = { requestId: null, at: Date.now(), outcome: 'failed', detail: `on ${host}: ${reason}` } as const
  await recordEvent(db, { ...event, resourceId: id, what: 'wiring' })
  if (!isOfServer) return
  await recordEvent(db, { ...event, resourceId: port.device_id, what: `wiring of port ${id}` })
  if (port.status !== 'ACTIVE')
    deps.notifyCompute([{ name: 'network-vif-plugged', server: port.device_id, port: id, isFailed: true }])
}
