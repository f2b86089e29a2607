import type { Db } from '../../../platform/db/database.ts'
import type { RegisteredAgent } from '../model/host-identity.ts'
import type { ComputeAgentTable, ComputeSchema } from './tables.ts'

const toAgent = (row: ComputeAgentTable): RegisteredAgent => ({ host: row.host, id: row.agent_id })

/** The id of this control plane's database. */
export async function readCloudId(db: Db<ComputeSchema>): Promise<string> {
  return (await db.selectFrom('cloud_identity').select('id').executeTakeFirstOrThrow()).id
}

/** The agent that is registered for a host. */
export async function findAgentOfHost(db: Db<ComputeSchema>, host: string): Promise<RegisteredAgent | undefined> {
  const row = await db.selectFrom('compute_agents').selectAll().where('host', '=', host).executeTakeFirst()
  return row && toAgent(row)
}

/** Where an agent is registered, under whatever name. */
export async function findAgent(db: Db<ComputeSchema>, id: string): Promise<RegisteredAgent | undefined> {
  const row = await db.selectFrom('compute_agents').selectAll().where('agent_id', '=', id).executeTakeFirst()
  return row && toAgent(row)
}

/** From now on this agent, and no other, speaks for the host, and for no other host. */
export async function saveAgent(db: Db<ComputeSchema>, { host, id }: RegisteredAgent, now: number): Promise<void> {
  await db
    .deleteFrom('compute_agents')
    .where((where) => where.or([where('host', '=', host), where('agent_id', '=', id)]))
    .execute()
  await db.insertInto('compute_agents').values({ host, agent_id: id, registered_at: now }).execute()
}

/** When a host's compute service was last heard of; undefined for a host that never was. */
export async function lastSeen(db: Db<ComputeSchema>, host: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('services')
    .select('last_seen_at')
    .where('host', '=', host)
    .where('binary_name', '=', 'nova-compute')
    .executeTakeFirst()
  return row && Number(row.last_seen_at)
}

/** Everything that is kept under the name of a host is kept under another name. */
export async function renameHost(db: Db<ComputeSchema>, from: string, to: string): Promise<void> {
  for (const table of ['services', 'compute_nodes'] as const) {
    const old = await db.selectFrom(table).select('id').where('host', '=', from).executeTakeFirst()
    if (!old) continue
    await db.deleteFrom(table).where('host', '=', to).execute()
    await db.updateTable(table).set({ host: to }).where('host', '=', from).execute()
  }
  await db.updateTable('servers').set({ host: to }).where('host', '=', from).execute()
  await db.updateTable('console_tokens').set({ host: to }).where('host', '=', from).execute()
  for (const { id, hosts_json: text } of await db.selectFrom('aggregates').select(['id', 'hosts_json']).execute()) {
    const hosts = JSON.parse(text) as string[]
    if (!hosts.includes(from)) continue
    const renamed = hosts.map((host) => (host === from ? to : host))
    await db
      .updateTable('aggregates')
      .set({ hosts_json: JSON.stringify([...new Set(renamed)]) })
      .where('id', '=', id)
      .execute()
  }
}
