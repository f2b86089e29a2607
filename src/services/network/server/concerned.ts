/** The hosts whose state (host-state.ts) has what a transaction touched. */
import type { Journal } from '../store/journal.ts'
import { groupsIn } from '../store/members.ts'
import { listRows, type NetworkDb } from '../store/rows.ts'

/** By what is there now: of what was there before, the journal has the hosts. */
export async function concernedHosts(tx: NetworkDb, journal: Journal): Promise<Set<string>> {
  const networks = new Set([...journal.networks, ...(await networksOn(tx, journal.tunnels))])
  const hosts = new Set(journal.hosts)
  const served = new Set(journal.served)
  const groups = new Set(journal.groups)
  // Another address of a port is its host's business, DHCP's, and that of all who let its groups in.
  const unseen = [...journal.ports].filter((id) => !journal.portRows.has(id))
  for (const port of await listRows(tx, 'ports', { id: unseen })) {
    hosts.add(port.host_id)
    served.add(port.network_id)
    for (const id of groupsIn(port)) groups.add(id)
  }
  const found = [
    await hostsOfPorts(tx, 'network_id', networks),
    await hostsOfPorts(tx, 'device_id', journal.routers),
    await hostsThatServe(tx, served),
    await hostsOfGroups(tx, groups, journal.addressGroups),
  ]
  for (const host of found.flat()) hosts.add(host)
  hosts.delete('')
  return hosts
}

async function networksOn(tx: NetworkDb, hosts: ReadonlySet<string>): Promise<string[]> {
  if (hosts.size === 0) return []
  const query = tx
    .selectFrom('ports')
    .select('network_id')
    .distinct()
    .where('host_id', 'in', [...hosts])
  return (await query.execute()).map((row) => row.network_id)
}

async function hostsOfPorts(
  tx: NetworkDb,
  column: 'network_id' | 'device_id',
  ids: ReadonlySet<string>,
): Promise<string[]> {
  if (ids.size === 0) return []
  const query = tx
    .selectFrom('ports')
    .select('host_id')
    .distinct()
    .where(column, 'in', [...ids])
  return (await query.execute()).map((row) => row.host_id)
}

/** Where DHCP and the routers of these networks are. */
async function hostsThatServe(tx: NetworkDb, networks: ReadonlySet<string>): Promise<string[]> {
  if (networks.size === 0) return []
  const query = tx
    .selectFrom('ports')
    .select('host_id')
    .distinct()
    .where('network_id', 'in', [...networks])
    // A range and no pattern: of a network with thousands of ports only these are read (index ports_of_network).
    .where('device_owner', '>=', 'network:')
    .where('device_owner', '<', 'network;')
  return (await query.execute()).map((row) => row.host_id)
}

/** Hosts with a port in one of these groups, or in a group with a rule that speaks of one of them. */
async function hostsOfGroups(
  tx: NetworkDb,
  groups: ReadonlySet<string>,
  addressGroups: ReadonlySet<string>,
): Promise<string[]> {
  const mentioning = await groupsWithRules(tx, 'remote_address_group_id', addressGroups)
  const changed = new Set([...groups, ...mentioning])
  const all = new Set([...changed, ...(await groupsWithRules(tx, 'remote_group_id', changed))])
  if (all.size === 0) return []
  const query = tx
    .selectFrom('security_group_members')
    .select('host_id')
    .distinct()
    .where('security_group_id', 'in', [...all])
  return (await query.execute()).map((row) => row.host_id)
}

async function groupsWithRules(
  tx: NetworkDb,
  column: 'remote_group_id' | 'remote_address_group_id',
  ids: ReadonlySet<string>,
): Promise<string[]> {
  if (ids.size === 0) return []
  const query = tx
    .selectFrom('security_group_rules')
    .select('security_group_id')
    .distinct()
    .where(column, 'in', [...ids])
  return (await query.execute()).map((row) => row.security_group_id)
}
