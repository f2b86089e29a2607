import { journalOf } from './journal.ts'
import type { NetworkDb, Row } from './tables.ts'

/** Everything that is kept under the name of a host is kept under another name. */
export async function renameHost(tx: NetworkDb, from: string, to: string): Promise<void> {
  const isKnown = await tx.selectFrom('agents').select('id').where('host', '=', from).executeTakeFirst()
  if (isKnown) await tx.deleteFrom('agents').where('host', '=', to).execute()
  await tx.updateTable('agents').set({ host: to }).where('host', '=', from).execute()
  await tx.updateTable('ports').set({ host_id: to }).where('host_id', '=', from).execute()
  await tx.updateTable('routers').set({ host_id: to }).where('host_id', '=', from).execute()
  await tx.updateTable('security_group_members').set({ host_id: to }).where('host_id', '=', from).execute()
  await tx.updateTable('port_bindings').set({ host: to }).where('host', '=', from).execute()
  // Peers, tunnels, everything under the name: it is done once in a machine's life.
  journalOf(tx, 'agents').isForAll = true
}

/** What an agent tells of itself; no host follows it. */
export async function noteHeartbeat(
  db: NetworkDb,
  host: string,
  agentType: string,
  told: Partial<Omit<Row<'agents'>, 'host' | 'tunnel_ip'>>,
): Promise<void> {
  await db.updateTable('agents').set(told).where('host', '=', host).where('agent_type', '=', agentType).execute()
}
