import type { Context } from '../../../platform/auth/context.ts'
import type { ComputeDeps } from '../deps.ts'
import type { Server } from '../model/server.ts'
import { updateServer } from '../store/servers.ts'
import { noteAction } from './change-server.ts'

/** Locks a server: by its owner, or by an admin when he is not of its project. */
export async function lockServer(
  ctx: Context,
  deps: ComputeDeps,
  server: Server,
  reason: string | null,
): Promise<void> {
  const isOwner = ctx.projectId === server.projectId
  await deps.database.transaction(async (tx) => {
    await updateServer(tx, server.id, { lockedBy: isOwner ? 'owner' : 'admin', lockedReason: reason })
    await noteAction(tx, ctx, server, 'lock', deps.now())
  })
}

export async function unlockServer(ctx: Context, deps: ComputeDeps, server: Server): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await updateServer(tx, server.id, { lockedBy: null, lockedReason: null })
    await noteAction(tx, ctx, server, 'unlock', deps.now())
  })
}

/** An admin's word on the state; what its host reports next may correct it. */
export async function resetState(
  ctx: Context,
  deps: ComputeDeps,
  server: Server,
  state: 'active' | 'error',
): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await updateServer(tx, server.id, {
      vmState: state,
      taskState: null,
      taskSince: null,
      revision: server.revision + 1,
    })
    await noteAction(tx, ctx, server, 'resetState', deps.now())
  })
}
