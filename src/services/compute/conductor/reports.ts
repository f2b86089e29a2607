/** What hosts report about guests becomes the state of servers. Level-triggered: a lost report is made good by the next. */
import type { ComputeDeps } from '../deps.ts'
import { recordEvents, type TimelineEvent } from '../../../platform/saga/timeline.ts'
import { judgeReport, type Outcome } from '../model/report.ts'
import type { ServerReport } from '../rpc/conductor.ts'
import { finishAction } from '../store/actions.ts'
import { deleteConsoleTokens } from '../store/console-tokens.ts'
import { listServersByIds, updateServer } from '../store/servers.ts'
import type { Server } from '../model/server.ts'
import type { Db } from '../../../platform/db/database.ts'
import type { ComputeSchema } from '../store/tables.ts'

/** Takes the reports of one host in; reports about servers that are not on that host are ignored. */
export async function takeReports(deps: ComputeDeps, host: string, reports: readonly ServerReport[]): Promise<void> {
  if (reports.length === 0) return
  const byId = new Map(reports.map((report) => [report.id, report]))
  const changed: string[] = []
  let hasNewOrders = false
  await deps.database.transaction(async (tx) => {
    hasNewOrders = false
    changed.length = 0
    for (const server of await listServersByIds(tx, [...byId.keys()])) {
      const report = byId.get(server.id)!
      if (server.host !== host) continue
      const outcome = judgeReport(server, report)
      if (report.events.length === 0 && Object.keys(outcome.changes).length === 0) continue
      changed.push(server.id)
      hasNewOrders = (await takeReport(deps, tx, server, report, outcome)) || hasNewOrders
    }
  })
  for (const id of changed) deps.waiters.wake(id)
  if (hasNewOrders) await deps.agents.look(host, { ids: changed })
}

async function takeReport(
  deps: ComputeDeps,
  tx: Db<ComputeSchema>,
  server: Server,
  report: ServerReport,
  { changes, finished, fault, note }: Outcome,
): Promise<boolean> {
  const now = deps.now()
  const isGone = server.deletedAt !== null && report.power === 'missing'
  if (isGone) Object.assign(changes, { isLeftover: false, host: null, node: null })
  if (fault) changes.fault = { code: 500, message: fault.message.slice(0, 255), details: fault.detail, at: now }
  if (Object.keys(changes).length > 0) await updateServer(tx, server.id, changes)
  if (changes.vmState === 'stopped' || changes.vmState === 'error') await deleteConsoleTokens(tx, server.id)
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
  const line = { resourceId: serverId, requestId }
  const lines: TimelineEvent[] = report.events.map(({ what, at, durationMs, detail }) => {
    return { ...line, at, what: `host: ${what}`, outcome: 'info', durationMs, detail }
  })
  if (note) lines.push({ ...line, at: now, what: note, outcome: fault ? 'failed' : 'info', detail: fault?.message })
  await recordEvents(tx, lines)
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
