/** Lines of the log that tell who was refused, and what administrators changed: who, what, outcome, request id. */
import type { Context } from '../auth/context.ts'
import type { Logger } from '../log/log.ts'
import { sourceOf, Throttle } from '../log/throttle.ts'
import type { RawRequest } from './message.ts'

interface Event {
  request: Pick<RawRequest, 'method' | 'url' | 'peer'>
  status: number
  requestId: string
  /** Absent where nobody could tell who asks. */
  ctx: Context | undefined
  detail?: string | undefined
}

const longest = 300
/** Refusals of one address that are told one by one, in so many milliseconds. */
const mostRefusals = 20
const windowMs = 60_000

/** Services speak to each other all the time in the name of users, whose own requests are told. */
const isService = (ctx: Context) => ctx.roles.includes('service')
export const isRefusal = (status: number) => status === 401 || status === 403
const reads = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Returns what notes the requests of a service. What a known user tried to change is always told; of those whom nobody
 * knows, and of reads, an address gets its first lines in a minute and then a number.
 */
export function auditOf(log: Logger): (event: Event) => void {
  const summary = (peer: string, more: number) => log.info({ audit: true, peer, more }, 'refused, and more like it')
  const throttle = new Throttle({ most: mostRefusals, windowMs, summary })
  return ({ request, status, requestId, ctx, detail }) => {
    const isRefused = isRefusal(status)
    const isChange = !reads.has(request.method) && ctx !== undefined && ctx.userId !== ''
    if (!isRefused && !(isChange && ctx.isAdmin && !isService(ctx))) return
    if (isRefused && !isChange && !throttle.admits(sourceOf(request.peer))) return
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
        detail,
      },
      isRefused ? 'refused' : 'an administrator’s request',
    )
  }
}
