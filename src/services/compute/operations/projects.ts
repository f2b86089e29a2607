import type { Context } from '../../../platform/auth/context.ts'
import type { ComputeDeps } from '../deps.ts'
import { Invalid } from '../errors.ts'

/** Throws 400 on a project that keystone does not know; while keystone cannot be asked, everything goes on. */
export async function requireProject(ctx: Context, { identity, log }: ComputeDeps, id: string): Promise<void> {
  const isKnown = await identity.hasProject(id, ctx.token).catch((error: unknown) => {
    log.warn({ err: error, project: id }, 'keystone could not be asked whether the project exists')
    return true
  })
  if (!isKnown) throw new Invalid(`Project ID ${id} is not a valid project.`)
}
