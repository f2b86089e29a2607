import type { Context } from '../../../platform/auth/context.ts'
import { attachInterface, detachInterface, type AttachData, type DetachData } from '../conductor/interfaces.ts'
import type { WantedPort } from '../conductor/ports.ts'
import type { ComputeDeps } from '../deps.ts'
import { ServiceError, Invalid, Conflict, NotFound, WrongState } from '../errors.ts'
import type { Server, ServerPort } from '../model/server.ts'
import { findServer } from '../store/servers.ts'
import { requireUsableNetwork, requireUsablePort } from './usable.ts'
import { livingServer, noteAction, refuseLocked } from './change-server.ts'

const patienceMs = 150_000

/** Gives a server another port and waits until its guest has the card. Returns the port. */
export async function attachPort(
  ctx: Context,
  deps: ComputeDeps,
  server: Server,
  asked: WantedPort,
  mayOverrideLock: boolean,
): Promise<ServerPort> {
  check(server, 'attach_interface', mayOverrideLock)
  const wanted = await checkWanted(ctx, deps, server, asked)
  const startedAt = deps.now()
  const go = await deps.database.transaction(async (tx) => {
    const now = await livingServer(tx, server.id)
    check(now, 'attach_interface', mayOverrideLock)
    await noteAction(tx, ctx, now, 'attach_interface', startedAt)
    const data: AttachData = { wanted, startedAt }
    return deps.sagas.create(tx, attachInterface, {
      resourceId: server.id,
      requestId: ctx.requestId,
      data,
    })
  })
  const before = new Set(server.ports.map(({ id }) => id))
  const ended = deps.waiters.expect(ctx.requestId, patienceMs)
  go()
  const error = await ended
  if (error instanceof ServiceError) throw error
  const now = await findServer(deps.database.db, server.id)
  const mine = now?.ports.filter(({ id, networkId }) =>
    wanted.portId === null ? !before.has(id) && networkId === wanted.networkId : id === wanted.portId,
  )
  const port = mine?.at(-1)
  if (error || !port)
    throw new ServiceError(
      'internal',
      `Failed to attach network adapter device to ${server.id}`,
      error ? { cause: error } : {},
    )
  return port
}

/** Takes a port from a server; its guest gives the card up in its own time. */
export async function detachPort(
  ctx: Context,
  deps: ComputeDeps,
  server: Server,
  portId: string,
  mayOverrideLock: boolean,
): Promise<void> {
  check(server, 'detach_interface', mayOverrideLock)
  const startedAt = deps.now()
  const go = await deps.database.transaction(async (tx) => {
    const now = await livingServer(tx, server.id)
    check(now, 'detach_interface', mayOverrideLock)
    const port = now.ports.find(({ id }) => id === portId)
    if (!port) throw new NotFound(`Port id ${portId} could not be found.`)
    await noteAction(tx, ctx, now, 'detach_interface', startedAt)
    const data: DetachData = { port, startedAt, isGone: false }
    return deps.sagas.create(tx, detachInterface, {
      resourceId: server.id,
      requestId: ctx.requestId,
      data,
    })
  })
  go()
}

/** Neutron has deleted a port: the server that still has it loses it. */
export async function startDetachOfDeleted(deps: ComputeDeps, serverId: string, portId: string): Promise<void> {
  const server = await findServer(deps.database.db, serverId)
  const port = server?.ports.find(({ id }) => id === portId)
  if (!server || !port || server.taskState === 'deleting' || server.vmState === 'building') return
  const data: DetachData = { port, startedAt: deps.now(), isGone: true }
  await deps.sagas.start(detachInterface, { resourceId: serverId, requestId: null, data })
}

function check(server: Server, action: string, mayOverrideLock: boolean): void {
  refuseLocked(server, mayOverrideLock)
  if (!['active', 'paused', 'stopped'].includes(server.vmState))
    throw new WrongState(server.id, action, 'vm_state', server.vmState)
  if (server.taskState !== null) throw new WrongState(server.id, action, 'task_state', server.taskState)
  if (server.host === null) throw new Conflict(`Instance ${server.id} is not ready: it has no host`)
}

/** As the caller sees networks and ports: with his own token, so that foreign ones do not exist. */
async function checkWanted(ctx: Context, deps: ComputeDeps, server: Server, asked: WantedPort): Promise<WantedPort> {
  const { network } = deps
  if (asked.portId !== null) {
    const port = await network.getPort(asked.portId, ctx.token)
    if (!port) throw new NotFound(`Port id ${asked.portId} could not be found.`)
    requireUsablePort(port, server.projectId, server.id)
    if (port.deviceId !== '') throw new Conflict(`Port ${asked.portId} is still in use.`)
    return asked
  }
  if (asked.networkId !== null) {
    const [found] = await network.listNetworks({ ids: [asked.networkId] }, ctx.token)
    if (!found) throw new NotFound(`Network ${asked.networkId} could not be found.`)
    requireUsableNetwork(ctx, found, asked.fixedIp)
    return asked
  }
  const usable = (await network.listNetworks({ projectId: server.projectId })).filter(
    ({ subnets }) => subnets.length > 0,
  )
  if (usable.length === 0)
    throw new Invalid(`No specific network was requested and none are available for project '${server.projectId}'.`)
  if (usable.length > 1)
    throw new Invalid(
      'More than one possible network found. Specify network ID(s) to select which one(s) to connect to.',
    )
  return { ...asked, networkId: usable[0]!.id }
}
