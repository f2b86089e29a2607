import type { NetworkDeps } from '../deps.ts'
import { pickHost } from '../ml2/binding.ts'
import { listRows, type NetworkDb, type Row } from '../store/rows.ts'
import { reallocate } from './addresses.ts'
import { insertPort, removePort } from './ports.ts'

/**
 * Gives a network with a DHCP subnet its DHCP port on the host of a live agent, with an address of each such subnet;
 * takes it away where there is none. Run whenever subnets change and when an agent first reports.
 */
export async function ensureDhcpPort(tx: NetworkDb, deps: NetworkDeps, network: Row<'networks'>): Promise<void> {
  const subnets = (await listRows(tx, 'subnets', { network_id: network.id })).filter(
    (subnet) => subnet.enable_dhcp === 1,
  )
  const ports = await listRows(tx, 'ports', { network_id: network.id, device_owner: 'network:dhcp' })
  if (subnets.length === 0) {
    for (const port of ports) await removePort(tx, port)
    return
  }
  const wanted = subnets.map((subnet) => subnet.id)
  const requests = wanted.map((subnet_id) => ({ subnet_id }))
  // Guests know its addresses as their name servers and ways to metadata: those that it has stay.
  for (const port of ports) await reallocate(tx, deps, port, requests)
  const host = ports.length > 0 ? undefined : await pickHost(tx, deps, 'DHCP agent')
  if (host !== undefined) await insertDhcpPort(tx, deps, network, host, wanted)
}

/** One more DHCP port, on a host that was chosen by hand. */
export async function addDhcpPort(
  tx: NetworkDb,
  deps: NetworkDeps,
  network: Row<'networks'>,
  host: string,
): Promise<void> {
  const subnets = await listRows(tx, 'subnets', { network_id: network.id, enable_dhcp: 1 })
  const ids = subnets.map((subnet) => subnet.id)
  await insertDhcpPort(tx, deps, network, host, ids)
}

async function insertDhcpPort(
  tx: NetworkDb,
  deps: NetworkDeps,
  network: Row<'networks'>,
  host: string,
  subnetIds: readonly string[],
): Promise<void> {
  await insertPort(tx, deps, network, network.project_id, {
    device_owner: 'network:dhcp',
    device_id: `dhcp-${host}-${network.id}`.slice(0, 255),
    fixed_ips: subnetIds.map((subnet_id) => ({ subnet_id })),
    'binding:host_id': host,
  })
}

/** After an agent came: networks that had to wait for one. */
export async function ensureAllDhcpPorts(deps: NetworkDeps): Promise<void> {
  const { db } = deps.database
  const served = new Set((await listRows(db, 'ports', { device_owner: 'network:dhcp' })).map((port) => port.network_id))
  const wanting = new Set((await listRows(db, 'subnets', { enable_dhcp: 1 })).map((subnet) => subnet.network_id))
  for (const network of await listRows(db, 'networks')) {
    if (wanting.has(network.id) && !served.has(network.id)) await deps.change((tx) => ensureDhcpPort(tx, deps, network))
  }
}
