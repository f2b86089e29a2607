/** What hosts report about guests becomes the state of servers. Level-triggered: a lost report is made good by the next. */
import type { ComputeDeps } from '../deps.ts'
import { recordEvent } from '../../../platform/saga/timeline.ts'
import { judgeReport } from '../model/report.ts'
import type { ServerReport } from '../rpc/conductor.ts'
import { finishAction } from '../store/actions.ts'
import { listServersByIds, updateServer } from '../store/servers.ts'
import type { Server } from '../model/server.ts'
import type { Db } from '../../../platform/db/database.ts'
import type { ComputeSchema } from '../store/tables.ts'

/** Takes the reports of one host in; reports about servers that are not on that host are ignored. */
export async function takeReports(deps: ComputeDeps, host: string, reports: readonly ServerReport[]): Promise<void> {
  if (reports.length === 0) return
  const byId = new Map(reports.map((report) => [report.id, report]))
  const mine = (servers: Server[]) => servers.filter((server) => server.host === host)
  const isNews = (server: Server) => {
    const report = byId.get(server.id)!
    return report.events.length > 0 || Object.keys(judgeReport(server, report).changes).length > 0
  }
  // Most reports say what is known: those cost no transaction.
  const changed = mine(await listServersByIds(deps.database.db, [...byId.keys()])).filter(isNews)
  if (changed.length === 0) return
  let hasNewOrders = false
  await deps.database.transaction(async (tx) => {
    hasNewOrders = false
    for (const server of mine(
      await listServersByIds(
        tx,
        changed.map(({ id }) => id),
      ),
    )) {
      hasNewOrders = (await takeReport(deps, tx, server, byId.get(server.id)!)) || hasNewOrders
    }
  })
  for (const server of changed) deps.waiters.wake(server.id)
  if (hasNewOrders) await deps.agents.look(host, { ids: changed.map(({ id }) => id) })
}

async function takeReport(
  deps: ComputeDeps,
  tx: Db<ComputeSchema>,
  server: Server,
  report: ServerReport,
): Promise<boolean> {
  const now = deps.now()
  const { changes, finished, fault, note } = judgeReport(server, report)
  const isGone = server.deletedAt !== null && report.power === 'missing'
  if (isGone) Object.assign(changes, { isLeftover: false, host: null, node: null })
  if (fault) changes.fault = { code: 500, message: fault.message.slice(0, 255), details: fault.detail, at: now }
  if (Object.keys(changes).length > 0) await updateServer(tx, server.id, changes)
  const { id: serverId, requestId } = server
  if (finished) {
    await finishAction(
      tx,
      { serverId, requestId },
      {
        now,
        event: `compute_${eventOf(server.taskState)}`,
        startAt: server.taskSince ?? now,
        host: server.host,
        result: finished,
        ...(fault && { message: fault.message, detail: fault.detail }),
      },
    )
  }
  for (const event of report.events) {
    await recordEvent(tx, {
      resourceId: serverId,
      requestId,
      at: event.at,
      what: `host: ${event.what}`,
      outcome: 'info',
      durationMs: event.durationMs,
      detail: event.detail,
    })
  }
  if (note)
    await recordEvent(tx, {
      resourceId: serverId,
      requestId,
      at: now,
      what: note,
      outcome: fault ? 'failed' : 'info',
      detail: fault?.message,
    })
  return changes.revision !== undefined
}

const events: Record<string, string> = {
  'powering-off': 'stop_instance',
  'powering-on': 'start_instance',
  pausing: 'pause_instance',
  unpausing: 'unpause_instance',
  rebooting: 'reboot_instance',
  rebooting_hard: 'reboot_instance',
}
const eventOf = (taskState: string | null) => events[taskState ?? ''] ?? 'power_state'
