/** What a crash or an unreachable service may have left of deleted servers: allocations. */
import type { ComputeDeps } from '../deps.ts'
import { listHosts } from '../store/hosts.ts'
import { listServersByIds } from '../store/servers.ts'

/** Frees resources that consumers hold who are no longer servers. Only consumers that nova once made are touched. */
export async function healAllocations({ database, placement, sagas, log }: ComputeDeps): Promise<void> {
  for (const host of await listHosts(database.db)) {
    const consumers = await placement.consumersOf(host.id)
    const servers = await listServersByIds(database.db, consumers)
    for (const server of servers) {
      if (server.deletedAt === null || (await sagas.isBusy(server.id))) continue
      log.warn({ server: server.id, host: host.host }, 'releasing the resources of a deleted server')
      await placement.deleteAllocations(server.id)
    }
  }
}
