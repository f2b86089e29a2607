/** Many objects are deleted by one request; what became of them is told together. */
import { encodePath } from '../model/names.ts'
import { asciiJson } from '../wire/listing.ts'
import { subrequest, type Handler, type Request, type Response } from '../wire/message.ts'

export interface DeleteReport {
  deleted: number
  missing: number
  errors: (readonly [name: string, status: string])[]
}

const reasons: Readonly<Record<number, string>> = {
  200: '200 OK',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  409: '409 Conflict',
  502: '502 Bad Gateway',
}

/** Deletes paths below an account, `/container/object` or `/container`, in their order. */
export async function deleteAll(
  next: Handler,
  request: Request,
  account: string,
  names: readonly string[],
): Promise<DeleteReport> {
  const report: DeleteReport = { deleted: 0, missing: 0, errors: [] }
  for (const name of names) {
    const path = `/v1/${account}${name}`
    const { status } = await next(subrequest(request, { method: 'DELETE', path }, { source: 'BD' }))
    if (status >= 200 && status < 300) report.deleted++
    else if (status === 404) report.missing++
    else report.errors.push([encodePath(name), reasons[status] ?? String(status)])
  }
  return report
}

/** The answer: 200 with the status of the whole in its body. */
export function reportAnswer(request: Request, { deleted, missing, errors }: DeleteReport): Response {
  const isRefused = errors.some(([, status]) => status.startsWith('401'))
  const status = errors.length === 0 ? (deleted + missing === 0 ? 400 : 200) : isRefused ? 401 : 400
  const text = deleted + missing + errors.length === 0 ? 'Invalid bulk delete.' : ''
  const accept = request.headers['accept'] ?? ''
  if (accept.includes('application/json')) {
    const body = asciiJson({
      'Number Not Found': missing,
      'Response Status': reasons[status],
      'Response Body': text,
      Errors: errors,
      'Number Deleted': deleted,
    })
    return { status: 200, headers: { 'content-type': 'application/json' }, body }
  }
  const lines = [
    `Number Deleted: ${deleted}`,
    `Number Not Found: ${missing}`,
    `Response Body: ${text}`,
    `Response Status: ${reasons[status]}`,
    'Errors:',
    ...errors.map(([name, why]) => `${name}, ${why}`),
  ]
  return { status: 200, headers: { 'content-type': 'text/plain' }, body: lines.join('\n') }
}
