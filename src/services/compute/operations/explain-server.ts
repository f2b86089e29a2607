import { listEvents, type TimelineEvent } from '../../../platform/saga/timeline.ts'
import type { ComputeDeps } from '../deps.ts'
import { statusOf, type Server } from '../model/server.ts'
import { listActions, type ServerAction } from '../store/actions.ts'
import { findServer } from '../store/servers.ts'

export interface ServerExplanation {
  id: string
  name: string
  status: string
  host: string | null
  taskState: string | null
  fault: Server['fault']
  ports: { id: string; isActive: boolean }[]
  revision: { wanted: number; reported: number; reportedPower: string | null }
  actions: ServerAction[]
  timeline: TimelineEvent[]
}

/** Everything that is known about how a server came to its state; for admins only. */
export async function explainServer({ database }: ComputeDeps, id: string): Promise<ServerExplanation | null> {
  const server = await findServer(database.db, id)
  if (!server) return null
  const [timeline, actions] = await Promise.all([
    listEvents(database.db as never, id),
    listActions(database.db, id, { limit: 100 }),
  ])
  return {
    id,
    name: server.name,
    status: statusOf(server),
    host: server.host,
    taskState: server.taskState,
    fault: server.fault,
    ports: server.ports.map((port) => ({ id: port.id, isActive: port.isActive })),
    revision: { wanted: server.revision, reported: server.reportedRevision, reportedPower: server.reportedPower },
    actions,
    timeline,
  }
}
