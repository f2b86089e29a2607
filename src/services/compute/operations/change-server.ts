/** Power actions and deletes: they change what is wanted; the host's report completes them. */
import type { Context } from '../../../platform/auth/context.ts'
import { recordEvent } from '../../../platform/saga/timeline.ts'
import { deleteServer } from '../conductor/delete-server.ts'
import type { ComputeDeps } from '../deps.ts'
import { Conflict, ServerLocked, ServerNotFound, WrongState } from '../errors.ts'
import type { Server, TaskState, VmState } from '../model/server.ts'
import { insertActions } from '../store/actions.ts'
import { deleteConsoleTokens } from '../store/console-tokens.ts'
import { findServer, updateServer } from '../store/servers.ts'

/** One power action: from which states, and what it wants. */
export interface PowerAction {
  /** In the error text, e.g. `stop`. */
  name: string
  /** In the list of actions. */
  action: string
  from: readonly VmState[]
  task: TaskState
  /** What is on the screen ends: who may look must ask again. */
  endsConsoles?: boolean
  /** Tasks that it may interrupt. */
  over?: readonly TaskState[]
  wanted(server: Server): Partial<Server>
}

export const powerActions = {
  start: {
    name: 'start',
    action: 'start',
    from: ['stopped'],
    task: 'powering-on',
    wanted: () => ({ desiredPower: 'running' }),
  },
  stop: {
    name: 'stop',
    action: 'stop',
    from: ['active', 'error'],
    task: 'powering-off',
    endsConsoles: true,
    wanted: () => ({ desiredPower: 'shutdown' }),
  },
  pause: {
    name: 'pause',
    action: 'pause',
    from: ['active'],
    task: 'pausing',
    wanted: () => ({ desiredPower: 'paused' }),
  },
  unpause: {
    name: 'unpause',
    action: 'unpause',
    from: ['paused'],
    task: 'unpausing',
    wanted: () => ({ desiredPower: 'running' }),
  },
  softReboot: {
    name: 'reboot',
    action: 'reboot',
    from: ['active'],
    task: 'rebooting',
    wanted: (server) => ({
      desiredPower: 'running',
      rebootType: 'SOFT',
      rebootGeneration: server.rebootGeneration + 1,
    }),
  },
  hardReboot: {
    name: 'reboot',
    action: 'reboot',
    from: ['active', 'stopped', 'paused', 'error'],
    task: 'rebooting_hard',
    endsConsoles: true,
    over: ['rebooting', 'rebooting_hard', 'pausing'],
    wanted: (server) => ({
      desiredPower: 'running',
      rebootType: 'HARD',
      rebootGeneration: server.rebootGeneration + 1,
    }),
  },
} as const satisfies Record<string, PowerAction>

/** Starts a power action. Throws WrongState or ServerLocked. */
export async function actOnPower(
  ctx: Context,
  deps: ComputeDeps,
  id: string,
  action: PowerAction,
  mayOverrideLock: boolean,
): Promise<void> {
  const now = deps.now()
  const host = await deps.database.transaction(async (tx) => {
    const server = await livingServer(tx, id)
    refuseLocked(server, mayOverrideLock)
    if (!action.from.includes(server.vmState)) throw new WrongState(id, action.name, 'vm_state', server.vmState)
    if (server.taskState !== null && !action.over?.includes(server.taskState)) {
      throw new WrongState(id, action.name, 'task_state', server.taskState)
    }
    if (server.host === null) throw new Conflict(`Instance ${id} is not ready: it has no host`)
    await updateServer(tx, id, {
      ...action.wanted(server),
      taskState: action.task,
      taskSince: now,
      revision: server.revision + 1,
      requestId: ctx.requestId,
    })
    if (action.endsConsoles) await deleteConsoleTokens(tx, id)
    await noteAction(tx, ctx, server, action.action, now)
    return server.host
  })
  await deps.agents.look(host, { ids: [id] }, { requestId: ctx.requestId })
}

/** Starts the delete; whatever else happens to the server is called off. */
export async function startDelete(
  ctx: Context,
  deps: ComputeDeps,
  id: string,
  mayOverrideLock: boolean,
): Promise<void> {
  const now = deps.now()
  const go = await deps.database.transaction(async (tx) => {
    const server = await livingServer(tx, id)
    refuseLocked(server, mayOverrideLock)
    if (server.taskState === 'deleting') return undefined
    await updateServer(tx, id, {
      taskState: 'deleting',
      taskSince: now,
      requestId: ctx.requestId,
      revision: server.revision + 1,
    })
    await noteAction(tx, ctx, server, 'delete', now)
    return deps.sagas.create(tx, deleteServer, {
      resourceId: id,
      requestId: ctx.requestId,
      data: { startedAt: now },
    })
  })
  if (!go) return
  // Aborts a build at once; the delete's first step waits until it is undone.
  void deps.sagas.cancel(id, deleteServer)
  go()
}

export async function livingServer(db: ComputeDeps['database']['db'], id: string): Promise<Server> {
  const server = await findServer(db, id)
  if (!server || server.deletedAt !== null) throw new ServerNotFound(id)
  return server
}

export function refuseLocked(server: Server, mayOverrideLock: boolean): void {
  if (server.lockedBy !== null && !mayOverrideLock) throw new ServerLocked(server.id)
}

export async function noteAction(
  tx: ComputeDeps['database']['db'],
  ctx: Context,
  server: Server,
  action: string,
  now: number,
): Promise<void> {
  const { id, projectId } = server
  await insertActions(tx, [{ serverId: id, requestId: ctx.requestId, action, userId: ctx.userId, projectId }], now)
  const line = {
    resourceId: id,
    requestId: ctx.requestId,
    at: now,
    what: `asked for: ${action}`,
    outcome: 'info',
  } as const
  await recordEvent(tx, line)
}
