import type { NetworkDeps } from '../deps.ts'
import { badRequest, routerInUse } from '../errors.ts'
import { bind, pickHost } from '../ml2/binding.ts'
import { findRow, listRows, touched, updateRow, type NetworkDb, type Row } from '../store/rows.ts'
import type { AddressRequest } from './addresses.ts'
import { insertPort, removePort } from './ports.ts'

/** The host that carries a router: where its ports are, else that of a live L3 agent. */
export async function hostOf(tx: NetworkDb, deps: NetworkDeps, routerId: string): Promise<string | undefined> {
  const placed = (await listRows(tx, 'ports', { device_id: routerId })).find((port) => port.host_id !== '')
  return placed?.host_id ?? (await pickHost(tx, deps, 'L3 agent'))
}

/** Sets, moves or clears a router's gateway. */
export async function setGateway(
  tx: NetworkDb,
  deps: NetworkDeps,
  router: Row<'routers'>,
  network: Row<'networks'> | null,
  options: { enableSnat: boolean; fixedIps?: AddressRequest[] | undefined },
): Promise<void> {
  const current =
    router.gateway_port_id === null ? undefined : await findRow(tx, 'ports', { id: router.gateway_port_id })
  const floating = await listRows(tx, 'floating_ips', { router_id: router.id })
  if (current && current.network_id !== network?.id) {
    if (floating.length > 0)
      throw routerInUse(router.id, 'still has floating IPs: disassociate them before changing the gateway')
    await removePort(tx, current)
  }
  let portId = current && current.network_id === network?.id ? current.id : null
  if (network && portId === null) {
    const host = await hostOf(tx, deps, router.id)
    // Neutron's gateway ports have no project: users do not see them.
    const port = await insertPort(tx, deps, network, '', {
      device_owner: 'network:router_gateway',
      device_id: router.id,
      ...(options.fixedIps && { fixed_ips: options.fixedIps }),
      'binding:host_id': host ?? '',
    })
    portId = port.id
  }
  const changes = {
    gateway_port_id: portId,
    gateway_network_id: network?.id ?? null,
    enable_snat: options.enableSnat ? 1 : 0,
  }
  await updateRow(tx, 'routers', router.id, { ...changes, ...touched(router) })
}

/** Connects a subnet by a new port with the subnet's gateway address. */
export async function addSubnet(
  tx: NetworkDb,
  deps: NetworkDeps,
  router: Row<'routers'>,
  subnet: Row<'subnets'>,
): Promise<Row<'ports'>> {
  if (subnet.gateway_ip === null)
    throw badRequest('BadRequest', `Bad router request: Subnet for router interface must have a gateway IP.`)
  const interfaces = await listRows(tx, 'ports', { device_id: router.id, device_owner: 'network:router_interface' })
  const used = await listRows(tx, 'ip_allocations', { port_id: interfaces.map((port) => port.id) })
  if (used.some((each) => each.subnet_id === subnet.id)) {
    throw badRequest('BadRequest', `Bad router request: Router already has a port on subnet ${subnet.id}.`)
  }
  const network = (await findRow(tx, 'networks', { id: subnet.network_id }))!
  const host = await hostOf(tx, deps, router.id)
  return insertPort(tx, deps, network, router.project_id, {
    device_owner: 'network:router_interface',
    device_id: router.id,
    fixed_ips: [{ subnet_id: subnet.id, ip_address: subnet.gateway_ip }],
    'binding:host_id': host ?? '',
  })
}

/** After an L3 agent came: ports of routers that had to wait for one. */
export async function placeRouters(deps: NetworkDeps): Promise<void> {
  const { db } = deps.database
  const waiting = (await listRows(db, 'ports', { host_id: '' })).filter((port) =>
    port.device_owner.startsWith('network:router_'),
  )
  for (const port of waiting) {
    await deps.change(async (tx) => {
      const host = await hostOf(tx, deps, port.device_id)
      const network = await findRow(tx, 'networks', { id: port.network_id })
      if (host === undefined || !network) return
      await updateRow(tx, 'ports', port.id, { host_id: host, vif_type: (await bind(tx, deps, network, host)).vif_type })
    })
  }
}
