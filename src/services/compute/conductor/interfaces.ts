/** Interfaces that come and go while their server lives: a port in neutron, a card in the guest, both or neither. */
import type { SagaKind, StepContext } from '../../../platform/saga/kind.ts'
import { SagaCancelled } from '../../../platform/saga/kind.ts'
import { ServiceError, BuildFailed, PortRefused } from '../errors.ts'
import type { ComputeDeps } from '../deps.ts'
import type { Server, ServerPort } from '../model/server.ts'
import { finishAction } from '../store/actions.ts'
import { findServer, updateServer } from '../store/servers.ts'
import { allocatePorts, releasePort, type WantedPort } from './ports.ts'
import { isHostUp } from './remove-guest.ts'

export interface AttachData {
  wanted: WantedPort
  startedAt: number
  /** The port, once it is the server's. */
  attached?: ServerPort
}

export interface DetachData {
  port: ServerPort
  startedAt: number
  /** Neutron has deleted it already. */
  isGone: boolean
}

const hostAnswerMs = 60_000

async function live(deps: ComputeDeps, { resourceId, signal }: StepContext): Promise<Server> {
  signal.throwIfAborted()
  const server = await findServer(deps.database.db, resourceId)
  if (!server || server.deletedAt !== null || server.taskState === 'deleting') throw new SagaCancelled()
  return server
}

/** Changes which ports the server has and tells its host; returns the revision that the host must report. */
async function changePorts(
  deps: ComputeDeps,
  serverId: string,
  change: (server: Server) => Partial<Server>,
): Promise<{ host: string | null; revision: number } | undefined> {
  const changed = await deps.database.transaction(async (tx) => {
    const server = await findServer(tx, serverId)
    if (!server || server.deletedAt !== null || server.desiredPower === 'absent') return undefined
    const revision = server.revision + 1
    await updateServer(tx, serverId, { ...change(server), revision })
    return { host: server.host, revision }
  })
  if (changed?.host) await deps.agents.look(changed.host, { ids: [serverId] })
  return changed
}

/** Waits until the host has carried out the wish. Throws BuildFailed with what it complains about. */
async function untilCarriedOut(deps: ComputeDeps, serverId: string, signal?: AbortSignal): Promise<void> {
  const answer = await deps.waiters.until(
    serverId,
    async () => {
      const server = await findServer(deps.database.db, serverId)
      if (!server || server.deletedAt !== null || server.host === null) return 'gone' as const
      if (server.reportedRevision >= server.revision) return server.reportedError ?? ('done' as const)
      return (await isHostUp(deps, server.host))
        ? undefined
        : { message: 'The host of the server is down.', detail: '' }
    },
    { timeoutMs: hostAnswerMs, ...(signal && { signal }) },
  )
  if (answer === undefined) throw new BuildFailed('The host of the server did not answer in time.')
  if (typeof answer !== 'string') throw new BuildFailed(answer.message, answer.detail)
}

const without = (ports: readonly ServerPort[], id: string) => ports.filter((port) => port.id !== id)

export const attachInterface: SagaKind<AttachData, ComputeDeps> = {
  kind: 'attach-interface',
  steps: [
    {
      name: 'bind port',
      async run({ wanted, attached: known }, deps, context) {
        if (known) return { attached: known }
        // One allocation at a time for each server: an unclaimed port of it is then a cut attempt's, not a neighbour's.
        return await deps.leases.exclusively(`server/${context.resourceId}/ports`, async () => {
          const server = await live(deps, context)
          const [attached] = await allocatePorts(deps, server, {
            networks: [wanted],
            securityGroupIds: [],
            host: server.host!,
            mayHavePorts: true,
            except: server.ports.map(({ id }) => id),
          })
          await changePorts(deps, server.id, (now) => ({
            ports: [...without(now.ports, attached!.id), attached!],
            ...(wanted.portId !== null && { givenPorts: [...new Set([...now.givenPorts, wanted.portId])] }),
          }))
          return { attached: attached! }
        })
      },
      async undo({ wanted, attached }, deps, { resourceId }) {
        const id = attached?.id ?? wanted.portId
        if (id === null || id === undefined) return
        const changed = await changePorts(deps, resourceId, (now) => ({
          ports: without(now.ports, id),
          givenPorts: now.givenPorts.filter((each) => each !== id),
        }))
        if (changed) await untilCarriedOut(deps, resourceId).catch(() => undefined)
        await releasePort(deps.network, id, wanted.portId !== null)
      },
    },
    {
      name: 'plug interface',
      async run(_data, deps, { resourceId, signal }) {
        await untilCarriedOut(deps, resourceId, signal)
      },
    },
  ],
  done: ({ startedAt }, deps, context) => finish(deps, context, 'attach', startedAt, null),
  failed: ({ startedAt }, deps, error, context) => finish(deps, context, 'attach', startedAt, userError(error)),
}

export const detachInterface: SagaKind<DetachData, ComputeDeps> = {
  kind: 'detach-interface',
  steps: [
    {
      name: 'unplug interface',
      async run({ port }, deps, { resourceId, signal }) {
        const changed = await changePorts(deps, resourceId, (now) => ({ ports: without(now.ports, port.id) }))
        if (changed) await untilCarriedOut(deps, resourceId, signal)
      },
      async undo({ port, isGone }, deps, { resourceId }) {
        if (isGone) return
        await changePorts(deps, resourceId, (now) => ({ ports: [...without(now.ports, port.id), port] }))
      },
    },
    {
      name: 'release port',
      async run({ port, isGone }, deps, { resourceId }) {
        if (!isGone) await releasePort(deps.network, port.id, !port.isOurs)
        await deps.database.transaction(async (tx) => {
          const server = await findServer(tx, resourceId)
          const isGiven = server?.givenPorts.includes(port.id)
          if (isGiven)
            await updateServer(tx, resourceId, { givenPorts: server!.givenPorts.filter((each) => each !== port.id) })
        })
      },
    },
  ],
  done: ({ startedAt }, deps, context) => finish(deps, context, 'detach', startedAt, null),
  failed: ({ startedAt }, deps, error, context) => finish(deps, context, 'detach', startedAt, error),
}

async function finish(
  deps: ComputeDeps,
  { resourceId, requestId }: StepContext,
  verb: 'attach' | 'detach',
  startAt: number,
  error: Error | null,
): Promise<void> {
  const server = await findServer(deps.database.db, resourceId)
  await finishAction(
    deps.database.db,
    { serverId: resourceId, requestId },
    {
      now: deps.now(),
      event: `compute_${verb}_interface`,
      startAt,
      host: server?.host ?? null,
      result: error ? 'Error' : 'Success',
      ...(error && { message: error.message, detail: error instanceof BuildFailed ? error.detail : error.stack }),
    },
  )
  deps.waiters.wake(resourceId)
  deps.waiters.settle(requestId, error)
}

/** What the caller hears. */
const userError = (error: Error): Error =>
  error instanceof PortRefused ? new ServiceError(error.kind, error.message, { cause: error }) : error
