import { randomUUID } from 'node:crypto'
import type { Database, Db } from '../../../platform/db/database.ts'
import { resourcesOf, type Flavor } from '../model/flavor.ts'
import type { Host, HostReport, Service } from '../model/host.ts'
import type { ComputeSchema, ServiceTable } from './tables.ts'

const toService = (row: ServiceTable): Service => ({
  id: row.id,
  seq: Number(row.seq),
  host: row.host,
  binary: row.binary_name,
  isDisabled: Boolean(row.is_disabled),
  disabledReason: row.disabled_reason,
  isForcedDown: Boolean(row.is_forced_down),
  lastSeenAt: Number(row.last_seen_at),
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at),
})

/** The compute service of a host. */
export async function findComputeService(db: Db<ComputeSchema>, host: string): Promise<Service | undefined> {
  const row = await db
    .selectFrom('services')
    .selectAll()
    .where('host', '=', host)
    .where('binary_name', '=', 'nova-compute')
    .executeTakeFirst()
  return row && toService(row)
}

export async function listServices(db: Db<ComputeSchema>): Promise<Service[]> {
  return (await db.selectFrom('services').selectAll().orderBy('seq').execute()).map(toService)
}

const selectHosts = (db: Db<ComputeSchema>) =>
  db
    .selectFrom('compute_nodes')
    .innerJoin('services', 'services.host', 'compute_nodes.host')
    .select(['compute_nodes.id as node_id', 'compute_nodes.seq as node_seq', 'report_json'])
    .selectAll('services')
    .where('binary_name', '=', 'nova-compute')

type HostRow = Awaited<ReturnType<ReturnType<typeof selectHosts>['executeTakeFirstOrThrow']>>

const toHost = (row: HostRow): Host => ({
  id: row.node_id,
  seq: Number(row.node_seq),
  host: row.host,
  report: JSON.parse(row.report_json) as HostReport,
  service: toService(row),
})

/** Every compute host with its service: as many as there are, so not for what is done for each server. */
export async function listHosts(db: Db<ComputeSchema>): Promise<Host[]> {
  return (await selectHosts(db).orderBy('compute_nodes.seq').execute()).map(toHost)
}

/** `limit` of them in their order, behind the one with the number `after`. */
export async function pageHosts(
  db: Db<ComputeSchema>,
  { after, limit }: { after: number | undefined; limit: number },
): Promise<Host[]> {
  let query = selectHosts(db).orderBy('compute_nodes.seq').limit(limit)
  if (after !== undefined) query = query.where('compute_nodes.seq', '>', after)
  return (await query.execute()).map(toHost)
}

/** A host by the id or the number of its node. */
export async function findHost(
  db: Db<ComputeSchema>,
  node: { id: string } | { seq: number },
): Promise<Host | undefined> {
  const [[column, value] = []] = Object.entries(node) as ['id' | 'seq', string | number][]
  const row = await selectHosts(db).where(`compute_nodes.${column!}`, '=', value!).executeTakeFirst()
  return row && toHost(row)
}

/** Those with these ids, which they have in placement too. */
export async function listHostsByIds(db: Db<ComputeSchema>, ids: readonly string[]): Promise<Host[]> {
  if (ids.length === 0) return []
  return (await selectHosts(db).where('compute_nodes.id', 'in', ids).execute()).map(toHost)
}

/** Those that an operator has disabled. */
export async function listDisabledHosts(db: Db<ComputeSchema>): Promise<Host[]> {
  return (await selectHosts(db).where('services.is_disabled', '=', 1).execute()).map(toHost)
}

export async function countHosts(db: Db<ComputeSchema>): Promise<number> {
  const { count } = await db
    .selectFrom('compute_nodes')
    .innerJoin('services', 'services.host', 'compute_nodes.host')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('binary_name', '=', 'nova-compute')
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Notes a heartbeat of a role; makes its row at the first one. */
export async function touchService(db: Db<ComputeSchema>, host: string, binary: string, now: number): Promise<void> {
  const done = await db
    .updateTable('services')
    .set({ last_seen_at: now })
    .where('host', '=', host)
    .where('binary_name', '=', binary)
    .executeTakeFirst()
  if (Number(done.numUpdatedRows) > 0) return
  const row = {
    id: randomUUID(),
    seq: await nextSeq(db, 'services'),
    host,
    binary_name: binary,
    is_disabled: 0,
    disabled_reason: null,
    is_forced_down: 0,
    last_seen_at: now,
    created_at: now,
    updated_at: now,
  }
  await db.insertInto('services').values(row).execute()
}

/** Keeps what a host reports about itself; returns its node, and what placement was told of it last. */
export async function saveHostReport(db: Db<ComputeSchema>, host: string, report: HostReport, now: number) {
  const text = JSON.stringify(report)
  const row = await db.selectFrom('compute_nodes').selectAll().where('host', '=', host).executeTakeFirst()
  if (!row) {
    const id = randomUUID()
    const seq = await nextSeq(db, 'compute_nodes')
    await db
      .insertInto('compute_nodes')
      .values({ id, seq, host, report_json: text, synced_json: '', updated_at: now })
      .execute()
    return { id, synced: '' }
  }
  if (row.report_json !== text) {
    await db.updateTable('compute_nodes').set({ report_json: text, updated_at: now }).where('id', '=', row.id).execute()
  }
  return { id: row.id, synced: row.synced_json }
}

/** What is kept of what placement was told last; empty before the first time. */
export interface SyncedReport extends HostReport {
  isDisabled?: boolean
}

/** A node has the id of its provider in placement. */
export async function changeNodeId(db: Db<ComputeSchema>, from: string, to: string): Promise<void> {
  await db.updateTable('compute_nodes').set({ id: to }).where('id', '=', from).execute()
}

/** Placement knows this report now. */
export async function markSynced(db: Db<ComputeSchema>, id: string, report: SyncedReport): Promise<void> {
  await db
    .updateTable('compute_nodes')
    .set({ synced_json: JSON.stringify(report) })
    .where('id', '=', id)
    .execute()
}

export async function updateService(db: Db<ComputeSchema>, id: string, changes: Partial<ServiceTable>): Promise<void> {
  await db
    .updateTable('services')
    .set({ ...changes, updated_at: Date.now() })
    .where('id', '=', id)
    .execute()
}

async function nextSeq(db: Db<ComputeSchema>, table: 'services' | 'compute_nodes'): Promise<number> {
  const row = await db
    .selectFrom(table)
    .select((select) => select.fn.max('seq').as('top'))
    .executeTakeFirst()
  return Number(row?.top ?? 0) + 1
}

/** Forgets a service, and a compute host with it; returns the id of its node. */
export async function deleteService(database: Database<ComputeSchema>, service: Service): Promise<string | null> {
  return database.transaction(async (tx) => {
    await tx.deleteFrom('services').where('id', '=', service.id).execute()
    if (service.binary !== 'nova-compute') return null
    // Another machine may have the name now.
    await tx.deleteFrom('compute_agents').where('host', '=', service.host).execute()
    const node = await tx.selectFrom('compute_nodes').select('id').where('host', '=', service.host).executeTakeFirst()
    await tx.deleteFrom('compute_nodes').where('host', '=', service.host).execute()
    return node?.id ?? null
  })
}

export interface HostUsage {
  servers: number
  vcpus: number
  memoryMb: number
  diskGb: number
}

/** What each host's servers use; one row per host and flavor. */
export async function usageByHost(db: Db<ComputeSchema>): Promise<Map<string, HostUsage>> {
  const rows = await db
    .selectFrom('servers')
    .select((select) => ['host', 'flavor_json', select.fn.countAll<number>().as('servers')])
    .where('deleted_at', 'is', null)
    .where('host', 'is not', null)
    .groupBy(['host', 'flavor_json'])
    .execute()
  const result = new Map<string, HostUsage>()
  for (const row of rows) {
    const use = result.get(row.host!) ?? { servers: 0, vcpus: 0, memoryMb: 0, diskGb: 0 }
    const { VCPU = 0, MEMORY_MB = 0, DISK_GB = 0 } = resourcesOf(JSON.parse(row.flavor_json) as Flavor)
    const count = Number(row.servers)
    use.servers += count
    use.vcpus += VCPU * count
    use.memoryMb += MEMORY_MB * count
    use.diskGb += DISK_GB * count
    result.set(row.host!, use)
  }
  return result
}
