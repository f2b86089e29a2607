/** One host after the other is asked to start the guest, until one does or none is left. */
import { SagaCancelled, type StepContext } from '../../../platform/saga/kind.ts'
import { recordEvent } from '../../../platform/saga/timeline.ts'
import type { ComputeDeps } from '../deps.ts'
import { BuildFailed, NoValidHost } from '../errors.ts'
import type { Server } from '../model/server.ts'
import { takeHost } from '../scheduler/group-policy.ts'
import type { Hints } from '../rpc/scheduler.ts'
import { findProgress, findServer, updateServer } from '../store/servers.ts'
import { allocatePorts, refreshPorts, type WantedPort } from './ports.ts'
import { removeGuest } from './remove-guest.ts'
import { selectHost } from './select-host.ts'

interface Place {
  host: string
  node: string
}

/** The server, unless somebody deletes it meanwhile. */
export async function live(deps: ComputeDeps, { resourceId, signal }: StepContext): Promise<Server> {
  signal.throwIfAborted()
  const server = await findServer(deps.database.db, resourceId)
  if (!server || server.deletedAt !== null || server.taskState === 'deleting') throw new SagaCancelled()
  return server
}

/** Enters the next part of a build. */
export async function enter(deps: ComputeDeps, server: Server, changes: Partial<Server>): Promise<void> {
  const done = await updateServer(deps.database.db, server.id, { taskSince: deps.now(), ...changes }, server)
  if (!done) throw new SagaCancelled()
}

/** Has the host start the guest. Throws BuildFailed with what the host says. */
export async function spawn(deps: ComputeDeps, server: Server, place: Place, context: StepContext): Promise<void> {
  if (server.taskState !== 'spawning' || server.host !== place.host || server.desiredPower !== 'running') {
    await settle(deps, server, place)
  }
  await deps.agents.look(place.host, { ids: [server.id] }, { requestId: context.requestId })
  await untilRunning(deps, place.host, context)
}

/** Gives the server its host. Throws BuildFailed where the policy of its group forbids the host by now. */
async function settle(deps: ComputeDeps, server: Server, { host, node }: Place): Promise<void> {
  const changes: Partial<Server> = {
    host,
    node,
    taskState: 'spawning',
    taskSince: deps.now(),
    desiredPower: 'running',
    isLeftover: false,
    revision: server.revision + 1,
  }
  const taken = await takeHost(deps, server, host, changes, server)
  if ('violated' in taken) throw new BuildFailed(`The ${taken.violated} policy of the server group would be violated.`)
  if (!taken.isDone) throw new SagaCancelled()
}

/** Neutron tells of ports by itself; a word that got lost is asked for. */
const askAgainMs = 1500

/** Waits for the host's report; asks neutron now and then about ports whose event got lost. */
async function untilRunning(deps: ComputeDeps, host: string, context: StepContext): Promise<void> {
  const { buildTimeout, vifPluggingTimeout, vifPluggingIsFatal } = deps.config
  const pluggedBy =
    vifPluggingIsFatal && vifPluggingTimeout > 0 ? performance.now() + vifPluggingTimeout * 1000 : Infinity
  let askedAt = performance.now()
  const state = await deps.waiters.until(
    context.resourceId,
    async () => {
      context.signal.throwIfAborted()
      const server = await findProgress(deps.database.db, context.resourceId)
      if (!server || server.deletedAt !== null || server.taskState === 'deleting') throw new SagaCancelled()
      if (server.reportedRevision >= server.revision) {
        if (server.reportedError) return server.reportedError
        if (server.reportedPower === 'running') return 'running' as const
      }
      const failed = server.ports.filter((port) => port.isFailed).map(({ id }) => id)
      if (failed.length > 0 && vifPluggingIsFatal) return { why: 'failed', ports: failed } as const
      const missing = server.ports.filter((port) => !port.isActive).map(({ id }) => id)
      if (missing.length > 0 && performance.now() - askedAt > askAgainMs) {
        askedAt = performance.now()
        await refreshPorts(deps, context.resourceId)
      }
      if (missing.length > 0 && performance.now() > pluggedBy) return { why: 'late', ports: missing } as const
      return undefined
    },
    { timeoutMs: buildTimeout * 1000, signal: context.signal },
  )
  if (state === 'running') return
  if (state && 'why' in state) {
    const ports = state.ports.join(', ')
    throw new BuildFailed(
      `Build of instance ${context.resourceId} aborted: Failed to allocate the network(s), not rescheduling.`,
      state.why === 'failed'
        ? `neutron's agents on ${host} cannot wire port ${ports}; nephos explain tells why`
        : `${host} did not wire ${ports} within ${vifPluggingTimeout} s (vif_plugging_timeout)`,
      { isFinal: true },
    )
  }
  if (state) throw new BuildFailed(state.message, state.detail, { isFinal: state.isEverywhere ?? false })
  throw new BuildFailed(`The host did not start the server within ${buildTimeout} seconds.`)
}

/** Remembers that a host cannot have the server; throws where no other one may be tried. */
export async function giveUpHost(
  deps: ComputeDeps,
  server: Server,
  hints: Hints,
  { host, error }: { host: string; error: BuildFailed },
  { resourceId, requestId }: StepContext,
): Promise<void> {
  const triedHosts = [...server.triedHosts, host]
  // What the last host said is told when no other one is left.
  const reportedError = { message: error.message, detail: error.detail }
  await updateServer(deps.database.db, server.id, { triedHosts, reportedError })
  await recordEvent(deps.database.db, {
    resourceId,
    requestId,
    at: deps.now(),
    what: `${host} could not start it`,
    outcome: 'failed',
    detail: `${error.message} ${error.detail}`.trim(),
  })
  const { maxAttempts } = deps.config
  if (error.isFinal || hints.requestedHost !== null || maxAttempts === 1) throw error
  if (triedHosts.length >= maxAttempts) throw exhausted(server.id, error)
}

/** Clears the last host away and takes the server to another one. Source: nova/conductor/manager.py (build_instances). */
export async function moveOn(
  deps: ComputeDeps,
  server: Server,
  data: { hints: Hints; networks: WantedPort[] | 'auto' | 'none'; securityGroupIds: string[] },
  context: StepContext,
): Promise<Place> {
  await removeGuest(deps, server.id, { isFinal: false })
  await deps.placement.deleteAllocations(server.id)
  const error = lastFailure(server)
  const ask = { serverId: server.id, hints: data.hints, triedHosts: server.triedHosts }
  const place = await selectHost(deps, ask, context.signal).catch((cause: unknown) => {
    if (!(cause instanceof NoValidHost)) throw cause
    // With one host only there was no choice: its own words say more.
    throw server.triedHosts.length === 1 ? error : exhausted(server.id, error)
  })
  context.note('another host chosen', place.host)
  const ports = await allocatePorts(deps, server, { ...data, host: place.host, mayHavePorts: true })
  await updateServer(deps.database.db, server.id, { ports })
  return place
}

const lastFailure = ({ reportedError }: Server): BuildFailed =>
  new BuildFailed(reportedError?.message ?? 'The host could not start the server.', reportedError?.detail)

const exhausted = (id: string, last: BuildFailed): BuildFailed =>
  new BuildFailed(
    `Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance ${id}.`,
    `The last host said: ${last.message} ${last.detail}`.trim(),
  )
