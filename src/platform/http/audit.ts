/** Lines of the log that tell who was refused, and what administrators changed: who, what, outcome, request id. */
import type { Context } from '../auth/context.ts'
import type { Logger } from '../log/log.ts'
import type { RawRequest } from './message.ts'

interface Event {
  request: Pick<RawRequest, 'method' | 'url' | 'peer'>
  status: number
  requestId: string
  /** Absent where nobody could tell who asks. */
  ctx: Context | undefined
}

const longest = 300

/** Services speak to each other all the time in the name of users, whose own requests are told. */
const isService = (ctx: Context) => ctx.roles.includes('service')
const reads = new Set(['GET', 'HEAD', 'OPTIONS'])

export function noteAudit(log: Logger, { request, status, requestId, ctx }: Event): void {
  const isRefused = status === 401 || status === 403
  const isChange = !reads.has(request.method) && ctx !== undefined && ctx.isAdmin && !isService(ctx)
  if (!isRefused && !isChange) return
  log.info(
    {
      audit: true,
      requestId,
      userId: ctx?.userId || null,
      projectId: ctx?.projectId ?? null,
      peer: request.peer,
      method: request.method,
      path: request.url.split('?', 1)[0]!.slice(0, longest),
      status,
    },
    isRefused ? 'refused' : 'an administrator’s request',
  )
}
