import { tellPlacement } from '../conductor/host-reports.ts'
import type { ComputeDeps } from '../deps.ts'
import type { Service } from '../model/host.ts'
import { listHosts, updateService } from '../store/hosts.ts'
import type { ServiceTable } from '../store/tables.ts'

/**
 * Changes a compute service. Placement hears at once whether the host takes servers; while it does not answer, the next
 * heartbeat of the host tells it.
 */
export async function changeService(
  deps: ComputeDeps,
  service: Service,
  changes: Partial<ServiceTable>,
): Promise<void> {
  await updateService(deps.database.db, service.id, changes)
  const node = (await listHosts(deps.database.db)).find(({ host }) => host === service.host)
  if (!node || changes.is_disabled === undefined) return
  await tellPlacement(deps, service.host, node.report).catch((error: unknown) =>
    deps.log.warn({ err: error, host: service.host }, 'placement could not be told whether the host takes servers'),
  )
}
