import type { Context } from '../../../../platform/auth/context.ts'
import type { Rule } from '../../../../platform/auth/policy.ts'
import type { ComputeDeps } from '../../deps.ts'
import { ServerNotFound } from '../../errors.ts'
import type { Server } from '../../model/server.ts'
import { findServer } from '../../store/servers.ts'
import * as policy from './policy.ts'

/** The server, when the caller may know of it (else 404) and may do what `rule` protects (else 403). */
export async function findFor(
  ctx: Context,
  deps: ComputeDeps,
  id: string,
  rule: Rule,
  options: { isDeletedToo?: boolean } = {},
): Promise<Server> {
  const server = await findServer(deps.database.db, id)
  if (!server || (server.deletedAt !== null && !options.isDeletedToo)) throw new ServerNotFound(id)
  const target = { project_id: server.projectId, user_id: server.userId }
  if (server.projectId !== ctx.projectId && !ctx.can(policy.show, target) && !ctx.can(rule, target))
    throw new ServerNotFound(id)
  ctx.authorize(rule, target)
  return server
}

/** An admin works on locked servers too, and so does who may override locks. */
export const mayOverrideLock = (ctx: Context, server: Server): boolean =>
  ctx.can(policy.unlockOverride, { project_id: server.projectId, user_id: server.userId })
