/** Where what hosts follow is: by network, router and security group. */
import type { NetworkDb } from './tables.ts'

/** Networks with a port on one of these hosts. */
export async function networksOn(tx: NetworkDb, hosts: ReadonlySet<string>): Promise<string[]> {
  if (hosts.size === 0) return []
  const query = tx
    .selectFrom('ports')
    .select('network_id')
    .distinct()
    .where('host_id', 'in', [...hosts])
  return (await query.execute()).map((row) => row.network_id)
}

/** Hosts with a port of one of these networks, routers or other devices. */
export async function hostsOfPorts(
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
export async function hostsThatServe(tx: NetworkDb, networks: ReadonlySet<string>): Promise<string[]> {
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
export async function hostsOfGroups(
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
