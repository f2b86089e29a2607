import type { NetworkDb } from './tables.ts'

/** The floating IPs of a router lead nowhere until a host says that it has them; no host follows that. */
export async function markFloatingIpsDown(tx: NetworkDb, routerId: string): Promise<void> {
  await tx.updateTable('floating_ips').set({ status: 'DOWN' }).where('router_id', '=', routerId).execute()
}
