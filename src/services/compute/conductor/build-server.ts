/** The story of a new server: host, ports, guest. Every step may run again after a crash. */
import type { SagaKind, StepContext } from '../../../platform/saga/saga.ts'
import { SagaCancelled } from '../../../platform/saga/saga.ts'
import { recordEvent } from '../../../platform/saga/timeline.ts'
import { BuildFailed } from '../errors.ts'
import type { ComputeDeps } from '../deps.ts'
import { power, type Server } from '../model/server.ts'
import { schedule, type Hints } from '../scheduler/schedule.ts'
import { finishAction } from '../store/actions.ts'
import { findServer, updateServer } from '../store/servers.ts'
import { faultOf } from './faults.ts'
import { allocatePorts, refreshPorts, releasePorts, type WantedPort } from './ports.ts'

export interface BuildData {
  networks: WantedPort[] | 'auto' | 'none'
  securityGroupIds: string[]
  hints: Hints
  host?: string
  node?: string
  hasPorts?: boolean
}

const hostAnswerMs = 60_000

/** The server, unless somebody deletes it meanwhile. */
async function live(deps: ComputeDeps, { resourceId, signal }: StepContext): Promise<Server> {
  signal.throwIfAborted()
  const server = await findServer(deps.database.db, resourceId)
  if (!server || server.deletedAt !== null || server.taskState === 'deleting') throw new SagaCancelled()
  return server
}

async function enter(deps: ComputeDeps, server: Server, changes: Partial<Server>): Promise<void> {
  const done = await updateServer(deps.database.db, server.id, { taskSince: deps.now(), ...changes }, server)
  if (!done) throw new SagaCancelled()
}

export const buildServer: SagaKind<BuildData, ComputeDeps> = {
  kind: 'build-server',
  steps: [
    {
      name: 'schedule',
      async run({ hints }, deps, context) {
        const server = await live(deps, context)
        const { host, node } = await schedule(deps, server, hints, [])
        const { resourceId, requestId } = context
        const line = {
          resourceId,
          requestId,
          at: deps.now(),
          what: 'host chosen',
          outcome: 'info',
          detail: host,
        } as const
        await recordEvent(deps.database.db, line)
        return { host, node }
      },
      async undo(_data, { placement }, { resourceId }) {
        await placement.deleteAllocations(resourceId)
      },
    },
    {
      name: 'allocate networks',
      async run(data, deps, context) {
        const server = await live(deps, context)
        // Already in this task: an earlier process was cut here, so its ports must be found again.
        const mayHavePorts = server.taskState === 'networking'
        if (!mayHavePorts) await enter(deps, server, { taskState: 'networking' })
        const ports = await allocatePorts(deps, server, { ...data, host: data.host!, mayHavePorts })
        await updateServer(deps.database.db, server.id, { ports })
      },
      async undo(_data, deps, { resourceId }) {
        const server = await findServer(deps.database.db, resourceId)
        if (!server) return
        await releasePorts(deps, server)
        await updateServer(deps.database.db, resourceId, { ports: [] })
      },
    },
    {
      name: 'spawn',
      async run({ host, node }, deps, context) {
        const server = await live(deps, context)
        if (server.taskState !== 'spawning') {
          await enter(deps, server, {
            taskState: 'spawning',
            host: host!,
            node: node!,
            desiredPower: 'running',
            revision: server.revision + 1,
          })
        }
        await deps.agents.look(host!, { ids: [context.resourceId] }, { requestId: context.requestId })
        await untilRunning(deps, context)
      },
      async undo(_data, deps, { resourceId }) {
        await removeGuest(deps, resourceId, { isFinal: false })
      },
    },
  ],
  async done(_data, deps, { resourceId, requestId }) {
    const server = await findServer(deps.database.db, resourceId)
    if (!server) return
    const now = deps.now()
    await deps.database.transaction(async (tx) => {
      // A delete that came in the last moment keeps its task.
      const isLive =
        server.vmState !== 'building' ||
        (await updateServer(
          tx,
          resourceId,
          {
            vmState: 'active',
            taskState: null,
            taskSince: null,
            powerState: power.running,
            launchedAt: now,
            adminPass: null,
          },
          { revision: server.revision, taskState: 'spawning' },
        ))
      if (isLive) {
        await finishAction(
          tx,
          { serverId: resourceId, requestId },
          {
            now,
            event: 'compute__do_build_and_run_instance',
            startAt: server.createdAt,
            host: server.host,
            result: 'Success',
          },
        )
      }
    })
  },
  async failed(_data, deps, error, { resourceId, requestId }) {
    const server = await findServer(deps.database.db, resourceId)
    if (!server || server.deletedAt !== null) return
    const now = deps.now()
    const fault = faultOf(error, now)
    await deps.database.transaction(async (tx) => {
      if (server.taskState !== 'deleting') {
        await updateServer(
          tx,
          resourceId,
          { vmState: 'error', taskState: null, taskSince: null, powerState: power.none, fault, adminPass: null },
          server,
        )
      }
      await finishAction(
        tx,
        { serverId: resourceId, requestId },
        {
          now,
          event: 'compute__do_build_and_run_instance',
          startAt: server.createdAt,
          host: server.host,
          result: 'Error',
          message: fault.message,
          detail: fault.details,
        },
      )
    })
  },
}

/** Waits for the host's report; asks neutron now and then about ports whose event got lost. */
async function untilRunning(deps: ComputeDeps, context: StepContext): Promise<void> {
  let looked = 0
  const state = await deps.waiters.until(
    context.resourceId,
    async () => {
      const server = await live(deps, context)
      if (server.reportedRevision >= server.revision) {
        if (server.reportedError) return server.reportedError
        if (server.reportedPower === 'running') return 'running' as const
      }
      if (++looked > 1 && server.ports.some((port) => !port.isActive)) await refreshPorts(deps, server)
      return undefined
    },
    { timeoutMs: deps.config.buildTimeout * 1000, signal: context.signal },
  )
  if (state === 'running') return
  if (state) throw new BuildFailed(state.message, state.detail)
  throw new BuildFailed(`The host did not start the server within ${deps.config.buildTimeout} seconds.`)
}

/**
 * Has the host remove the guest and waits for that. A host that is down, or that does not manage, is not waited for:
 * with `isFinal` it gets the order when it comes back.
 */
export async function removeGuest(deps: ComputeDeps, serverId: string, options: { isFinal: boolean }): Promise<void> {
  const { database, agents, waiters, config } = deps
  const server = await findServer(database.db, serverId)
  if (!server?.host) return
  if (server.desiredPower !== 'absent') {
    // Without a compare: the revision of the database is what counts.
    await database.db
      .updateTable('servers')
      .set((column) => ({ desired_power: 'absent', revision: column('revision', '+', 1) }))
      .where('id', '=', serverId)
      .execute()
  }
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

async function isHostUp({ database, now, config }: ComputeDeps, host: string): Promise<boolean> {
  const row = await database.db
    .selectFrom('services')
    .select(['last_seen_at', 'is_forced_down'])
    .where('host', '=', host)
    .where('binary_name', '=', 'nova-compute')
    .executeTakeFirst()
  return row !== undefined && !row.is_forced_down && now() - Number(row.last_seen_at) <= config.serviceDownTime * 1000
}
