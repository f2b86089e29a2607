/** Nothing hangs: what should long be over is ended with its reason. */
import { timeAgo } from '../../../base/clock.ts'
import { recordEvent } from '../../../platform/saga/timeline.ts'
import { deleteServer } from '../conductor/delete-server.ts'
import type { ComputeDeps } from '../deps.ts'
import { finishAction } from '../store/actions.ts'
import { listOverdue } from '../store/server-list.ts'
import { updateServer } from '../store/servers.ts'

const mostAtOnce = 100

/** Ends power actions that a host did not complete in time, and starts deletes again that were given up. */
export async function endStaleTasks(deps: ComputeDeps): Promise<void> {
  const { database, config, now, sagas } = deps
  const before = timeAgo(Math.max(1, config.taskTimeout) * 1000)
  for (const server of await listOverdue(database.db, before, mostAtOnce)) {
    if (server.taskState === 'deleting') {
      const go = await database.transaction(async (tx) => {
        await updateServer(tx, server.id, { taskSince: now() })
        return sagas.create(tx, deleteServer, {
          resourceId: server.id,
          requestId: server.requestId,
          data: { startedAt: now() },
        })
      })
      go()
      continue
    }
    const message = `The host did not complete '${server.taskState}' within ${config.taskTimeout} seconds.`
    const fault = { code: 500, message, details: message, at: now() }
    const isBuild = server.vmState === 'building'
    await database.transaction(async (tx) => {
      const changes = { taskState: null, taskSince: null, fault, ...(isBuild && { vmState: 'error' as const }) }
      const done = await updateServer(tx, server.id, changes, server)
      if (!done) return
      await finishAction(
        tx,
        { serverId: server.id, requestId: server.requestId },
        {
          now: now(),
          event: 'compute_task_timeout',
          startAt: server.taskSince ?? now(),
          host: server.host,
          result: 'Error',
          message,
        },
      )
      await recordEvent(tx, {
        resourceId: server.id,
        requestId: server.requestId,
        at: now(),
        what: `${server.taskState} timed out`,
        outcome: 'failed',
        detail: message,
      })
    })
  }
}
