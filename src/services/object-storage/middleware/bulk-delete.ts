/** Many objects are deleted by one request. */
import { decodePath, encodePath } from '../model/names.ts'
import { answer } from '../wire/answers.ts'
import { subrequest, type Handler, type Headers, type Request, type Response } from '../wire/message.ts'
import { reportAnswer, statusText, type Report } from './bulk-report.ts'
import { contentOf } from './segments.ts'

/** Who asks, where the middleware for tokens comes later. */
export const tokensOf = ({ headers }: Request): Headers =>
  Object.fromEntries(
    ['x-auth-token', 'x-storage-token', 'x-service-token'].flatMap((name) =>
      headers[name] === undefined ? [] : [[name, headers[name]]],
    ),
  )

/** Deletes paths below an account, `/container/object` or `/container`, in their order. */
export async function deleteAll(
  next: Handler,
  request: Request,
  account: string,
  names: readonly string[],
): Promise<Report> {
  const counts = { 'Number Deleted': 0, 'Number Not Found': 0 }
  const errors: (readonly [string, string])[] = []
  for (const name of names) {
    const change = { method: 'DELETE', path: `/v1/${account}${name}`, headers: tokensOf(request) }
    const { status } = await next(subrequest(request, change, { source: 'BD' }))
    if (status >= 200 && status < 300) counts['Number Deleted']++
    else if (status === 404) counts['Number Not Found']++
    else errors.push([encodePath(name), statusText(status)])
    // Nobody else is asked for either.
    if (status === 401) break
  }
  return { counts, errors }
}

interface Limits {
  readonly max_deletes_per_request: number
}

/** The body names an object in each line, with percent signs. */
export async function bulkDelete(next: Handler, request: Request, account: string, limits: Limits): Promise<Response> {
  const most = limits.max_deletes_per_request
  const text = (await contentOf(request.body, most * 4096)).toString('latin1')
  const lines = text.split('\n').map((line) => line.trim())
  const names = lines.filter((line) => line !== '')
  if (names.length > most) return answer(413, `Maximum Bulk Deletes: ${most} per request`)
  const decoded = names.map((name) => decodePath(name.startsWith('/') ? name : `/${name}`))
  const report = await deleteAll(
    next,
    request,
    account,
    decoded.filter((name) => name !== undefined),
  )
  const wrong = names.filter((_, at) => decoded[at] === undefined).map((name) => [name, statusText(412)] as const)
  const refused = names.length === 0 ? 'Invalid bulk delete.' : undefined
  return reportAnswer(request, 'delete', 200, { ...report, errors: [...report.errors, ...wrong], refused })
}
