/** Ports by where they are, and the addresses that they have. */
import type { NetworkDb, Row } from './tables.ts'

/** Ports that a host has to wire. */
export const portsToWire = (db: NetworkDb, host: string): Promise<Pick<Row<'ports'>, 'id' | 'device_owner'>[]> =>
  db
    .selectFrom('ports')
    .select(['id', 'device_owner'])
    .where('host_id', '=', host)
    .where('vif_type', '=', 'bridge')
    .execute()

/** Routers with an interface on a subnet. */
export async function routersOn(tx: NetworkDb, subnetId: string): Promise<string[]> {
  const inside = await tx
    .selectFrom('ip_allocations')
    .innerJoin('ports', 'ports.id', 'ip_allocations.port_id')
    .select('ports.device_id')
    .where('ip_allocations.subnet_id', '=', subnetId)
    .where('ports.device_owner', '=', 'network:router_interface')
    .execute()
  return inside.map((each) => each.device_id)
}

/** How many addresses are given, by subnet; those without any are not among them. */
export async function countAllocations(db: NetworkDb): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('ip_allocations')
    .select(({ fn }) => ['subnet_id', fn.countAll<number>().as('used')])
    .groupBy('subnet_id')
    .execute()
  return new Map(rows.map((row) => [row.subnet_id, Number(row.used)]))
}
