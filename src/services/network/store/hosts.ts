import type { NetworkDb } from './rows.ts'

/** Everything that is kept under the name of a host is kept under another name. */
export async function renameHost(tx: NetworkDb, from: string, to: string): Promise<void> {
  const isKnown = await tx.selectFrom('agents').select('id').where('host', '=', from).executeTakeFirst()
  if (isKnown) await tx.deleteFrom('agents').where('host', '=', to).execute()
  await tx.updateTable('agents').set({ host: to }).where('host', '=', from).execute()
  await tx.updateTable('ports').set({ host_id: to }).where('host_id', '=', from).execute()
  await tx.updateTable('routers').set({ host_id: to }).where('host_id', '=', from).execute()
  await tx.updateTable('port_bindings').set({ host: to }).where('host', '=', from).execute()
}
