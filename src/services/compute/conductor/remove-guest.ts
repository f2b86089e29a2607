import type { ComputeDeps } from '../deps.ts'
import { isUp } from '../model/host.ts'
import { power, type Server } from '../model/server.ts'
import { findComputeService } from '../store/hosts.ts'
import { orderRemoval } from '../store/removal.ts'
import { findServer, updateServer } from '../store/servers.ts'

/** How long a host may take to remove what is left of a failed build. */
const hostAnswerMs = 60_000

/**
 * Has the host remove the guest and waits for that. A host that is down, or that does not manage, is not waited for:
 * with `isFinal` it gets the order when it comes back.
 */
export async function removeGuest(deps: ComputeDeps, serverId: string, options: { isFinal: boolean }): Promise<void> {
  const { database, agents, waiters, config } = deps
  const server = await findServer(database.db, serverId)
  if (!server?.host) return
  if (server.desiredPower !== 'absent') await orderRemoval(database.db, serverId)
  await agents.look(server.host, { ids: [serverId] }, { requestId: server.requestId })
  const isGone = await waiters.until(
    serverId,
    async () => {
      const now = await findServer(database.db, serverId)
      if (!now?.host) return true
      if (now.reportedRevision >= now.revision && now.reportedPower === 'missing') return true
      return (await isHostUp(deps, now.host)) ? undefined : false
    },
    { timeoutMs: options.isFinal ? config.deleteTimeout * 1000 : hostAnswerMs },
  )
  const changes: Partial<Server> = isGone
    ? { host: null, node: null, powerState: power.none }
    : { isLeftover: true, powerState: power.none }
  // A failed build keeps its host only while something of it is left there.
  await updateServer(database.db, serverId, {
    ...changes,
    ...(!options.isFinal && isGone && { desiredPower: 'shutdown' }),
  })
}

export async function isHostUp({ database, config }: ComputeDeps, host: string): Promise<boolean> {
  const service = await findComputeService(database.db, host)
  return service !== undefined && isUp(service, config.serviceDownTime)
}
