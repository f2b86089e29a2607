/** A project's own network, router and subnets, made for whom just wants a server with an address. */
import { ServiceError, isOurFault } from '../../../platform/errors.ts'
import type { NetworkDeps } from '../deps.ts'
import { conflict } from '../errors.ts'
import { deleteRows, findRow, insertRow, listRows, type NetworkDb } from '../store/rows.ts'
import { insertNetwork, removeNetwork } from './networks.ts'
import { addSubnet, removeInterface } from './router-interfaces.ts'
import { insertRouter, removeRouter } from './routers.ts'
import { insertSubnet, removeSubnet } from './subnets.ts'

const failure = (why: string) => conflict('AutoAllocationFailure', `Deployment error: ${why}.`)

/** What a topology is made from. Throws AutoAllocationFailure when the cloud does not have it. */
export async function topologyParts(tx: NetworkDb) {
  const external = (await listRows(tx, 'networks', { is_default: 1, is_external: 1 }))[0]
  if (!external) throw failure('No default router:external network')
  const pools = (await listRows(tx, 'subnet_pools', { is_default: 1 })).toSorted((a, b) => a.ip_version - b.ip_version)
  if (pools.length === 0) throw failure('No default subnetpools defined')
  return { external, pools }
}

/** The id of the project's network, made with all that belongs to it when it is not there yet. */
export async function ensureTopology(tx: NetworkDb, deps: NetworkDeps, projectId: string): Promise<string> {
  const existing = await findRow(tx, 'auto_topologies', { project_id: projectId })
  if (existing && (await findRow(tx, 'networks', { id: existing.network_id }))) return existing.network_id
  const { external, pools } = await topologyParts(tx)
  if (existing) await deleteRows(tx, 'auto_topologies', { project_id: projectId })
  const network = await insertNetwork(tx, deps, projectId, { name: 'auto_allocated_network' })
  const router = await insertRouter(
    tx,
    deps,
    projectId,
    { name: 'auto_allocated_router' },
    { network: external, enableSnat: true },
  )
  for (const pool of pools) {
    const subnet = await insertSubnet(tx, deps, network, projectId, {
      name: `auto_allocated_subnet_v${pool.ip_version}`,
      network_id: network.id,
      ip_version: pool.ip_version === 6 ? 6 : 4,
      subnetpool_id: pool.id,
    }).catch((cause: unknown) => {
      // The transaction ends with it, so that nothing is left half made.
      throw cause instanceof ServiceError && !isOurFault(cause)
        ? failure('Unable to provide tenant private network')
        : cause
    })
    await addSubnet(tx, deps, router, subnet)
  }
  await insertRow(tx, 'auto_topologies', { project_id: projectId, network_id: network.id, router_id: router.id })
  return network.id
}

/** Removes what `ensureTopology` made; what the project changed since is skipped, what it uses refuses. */
export async function removeTopology(tx: NetworkDb, deps: NetworkDeps, projectId: string): Promise<void> {
  const topology = await findRow(tx, 'auto_topologies', { project_id: projectId })
  if (!topology) return
  const router = await findRow(tx, 'routers', { id: topology.router_id })
  const subnets = await listRows(tx, 'subnets', { network_id: topology.network_id })
  if (router) {
    const ports = await listRows(tx, 'ports', { device_id: router.id, device_owner: 'network:router_interface' })
    for (const port of ports.filter((each) => each.network_id === topology.network_id))
      await removeInterface(tx, router, { port_id: port.id })
    await removeRouter(tx, router)
  }
  if (await findRow(tx, 'networks', { id: topology.network_id })) {
    for (const subnet of subnets) await removeSubnet(tx, deps, subnet)
    await removeNetwork(tx, topology.network_id)
  }
  await deleteRows(tx, 'auto_topologies', { project_id: projectId })
}
