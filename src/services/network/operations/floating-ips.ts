import type { NetworkDeps } from '../deps.ts'
import { badRequestFor, conflict, notFound } from '../errors.ts'
import { floatingKey } from '../rpc/host-state.ts'
import { routersOn } from '../store/ports.ts'
import {
  deleteEntity,
  findRow,
  insertRow,
  listRows,
  newEntity,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'
import { changed } from './changes.ts'
import { insertPort, removePort } from './ports.ts'
import { requireQuota } from './quota.ts'

type FloatingIp = Row<'floating_ips'>

export interface FloatingIpInput {
  description?: string
  port_id?: string | null
  fixed_ip_address?: string | null
  floating_ip_address?: string | null
  subnet_id?: string | null
  dns_name?: string
  dns_domain?: string
}

interface Association {
  port_id: string | null
  fixed_ip_address: string | null
  router_id: string | null
  status: string
}

const nowhere: Association = { port_id: null, fixed_ip_address: null, router_id: null, status: 'DOWN' }

/** Makes a floating IP, by a port in the external network; `port` is what it leads to. */
export async function insertFloatingIp(
  tx: NetworkDb,
  deps: NetworkDeps,
  network: Row<'networks'>,
  projectId: string,
  input: FloatingIpInput,
  port: Row<'ports'> | null,
): Promise<FloatingIp> {
  await requireQuota(tx, deps, projectId, 'floatingip')
  if (network.is_external === 0)
    throw badRequestFor('floatingip', `Network ${network.id} is not a valid external network`)
  if (input.fixed_ip_address != null && port === null)
    throw badRequestFor('floatingip', 'fixed_ip_address cannot be specified without a port_id')
  const subnets = await listRows(tx, 'subnets', { network_id: network.id, ip_version: 4 })
  if (subnets.length === 0) throw badRequestFor('floatingip', `Network ${network.id} does not contain any IPv4 subnet`)
  const id = crypto.randomUUID()
  const asked = {
    ...(input.floating_ip_address != null && { ip_address: input.floating_ip_address }),
    ...(input.subnet_id != null && { subnet_id: input.subnet_id }),
  }
  const own = await insertPort(tx, deps, network, '', {
    device_owner: 'network:floatingip',
    device_id: id,
    ...(Object.keys(asked).length > 0 && { fixed_ips: [asked] }),
  })
  const address = (await listRows(tx, 'ip_allocations', { port_id: own.id })).find((each) => !each.ip.includes(':'))
  if (!address) throw badRequestFor('floatingip', `Network ${network.id} does not contain any IPv4 subnet`)
  const identity = { id, floating_network_id: network.id, floating_ip_address: address.ip }
  const floating: FloatingIp = {
    ...newEntity(projectId, input),
    ...identity,
    floating_port_id: own.id,
    dns_name: input.dns_name ?? '',
    dns_domain: input.dns_domain ?? '',
    ...(await associate(tx, identity, port, input.fixed_ip_address ?? undefined)),
  }
  await insertRow(tx, 'floating_ips', floating)
  return floating
}

/** Port, address and router of an association: a router must lead from the external network to the port's subnet. */
async function associate(
  tx: NetworkDb,
  floating: Pick<FloatingIp, 'id' | 'floating_network_id' | 'floating_ip_address'>,
  port: Row<'ports'> | null,
  fixed: string | undefined,
): Promise<Association> {
  if (port === null) return nowhere
  const address = await addressOf(tx, port, fixed)
  const networkId = floating.floating_network_id
  const taken = (await listRows(tx, 'floating_ips', { port_id: port.id })).find(
    (each) => each.fixed_ip_address === address.ip && each.id !== floating.id,
  )
  if (taken) {
    throw conflict(
      'FloatingIPPortAlreadyAssociated',
      `Cannot associate floating IP ${floating.floating_ip_address} (${floating.id}) with port ${port.id} using fixed IP ${address.ip}, as that fixed IP already has a floating IP on external network ${networkId}.`,
    )
  }
  const router = await routerBetween(tx, networkId, address.subnet_id)
  if (!router) {
    throw notFound(
      'ExternalGatewayForFloatingIPNotFound',
      `External network ${networkId} is not reachable from subnet ${address.subnet_id}.  Therefore, cannot associate Port ${port.id} with a Floating IP.`,
    )
  }
  // ACTIVE when the router's host says that it is so.
  return { port_id: port.id, fixed_ip_address: address.ip, router_id: router.id, status: 'DOWN' }
}

async function addressOf(tx: NetworkDb, port: Row<'ports'>, fixed: string | undefined): Promise<Row<'ip_allocations'>> {
  const addresses = (await listRows(tx, 'ip_allocations', { port_id: port.id })).filter(
    (each) => !each.ip.includes(':'),
  )
  if (fixed === undefined && addresses.length > 1)
    throw badRequestFor(
      'floatingip',
      `Port ${port.id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP`,
    )
  const address = fixed === undefined ? addresses[0] : addresses.find((each) => each.ip === fixed)
  if (!address) {
    throw badRequestFor(
      'floatingip',
      fixed === undefined
        ? `Cannot add floating IP to port ${port.id} that has no fixed IPv4 addresses`
        : `Port ${port.id} does not have fixed ip ${fixed}`,
    )
  }
  return address
}

async function routerBetween(tx: NetworkDb, networkId: string, subnetId: string): Promise<Row<'routers'> | undefined> {
  const routers = await listRows(tx, 'routers', { id: await routersOn(tx, subnetId) })
  return routers.find((each) => each.gateway_network_id === networkId)
}

/** Changes a floating IP. As in neutron, an update that says something of addresses and names no port takes the port away. */
export async function changeFloatingIp(
  tx: NetworkDb,
  row: FloatingIp,
  input: FloatingIpInput,
  port: Row<'ports'> | null,
): Promise<void> {
  if (input.fixed_ip_address != null && port === null)
    throw badRequestFor('floatingip', 'fixed_ip_address cannot be specified without a port_id')
  const isKept = input.port_id === undefined && input.fixed_ip_address === undefined && input.description !== undefined
  const where = isKept ? row : await associate(tx, row, port, input.fixed_ip_address ?? undefined)
  const isSame = where.port_id === row.port_id && where.fixed_ip_address === row.fixed_ip_address
  await updateRow(tx, 'floating_ips', row.id, {
    ...(isSame && where.router_id === row.router_id ? {} : where),
    ...changed(input, ['description']),
    ...touched(row),
  })
}

/** Those that the routers on this host carry out. */
export async function floatingIpsOn(db: NetworkDb, host: string): Promise<FloatingIp[]> {
  const gateways = await listRows(db, 'ports', { host_id: host, device_owner: 'network:router_gateway' })
  return listRows(db, 'floating_ips', { router_id: gateways.map((port) => port.device_id) })
}

/** What a host says of floating IPs, by `floatingKey`; ports among the keys are not its business. */
export async function setFloatingStatus(
  db: NetworkDb,
  host: string,
  keys: readonly string[],
  status: 'ACTIVE' | 'DOWN',
): Promise<void> {
  const told = new Set(keys.filter((key) => key.includes('/')))
  if (told.size === 0) return
  const rows = (await floatingIpsOn(db, host)).filter(({ id, fixed_ip_address: fixed }) =>
    told.has(floatingKey({ id, fixed })),
  )
  for (const row of rows.filter((each) => each.status !== status))
    await updateRow(db, 'floating_ips', row.id, { status })
}

export async function removeFloatingIp(tx: NetworkDb, row: FloatingIp): Promise<void> {
  await deleteEntity(tx, 'floating_ips', row.id)
  const port = await findRow(tx, 'ports', { id: row.floating_port_id })
  if (port) await removePort(tx, port)
}
