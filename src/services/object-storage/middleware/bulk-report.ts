/** What became of many objects, told in one answer: 200, with the status of the whole in its body. */
import { asciiJson } from '../wire/listing.ts'
import type { Request, Response } from '../wire/message.ts'

export interface Report {
  /** By upstream's names, such as `Number Deleted`. */
  readonly counts: Readonly<Record<string, number>>
  readonly errors: readonly (readonly [name: string, status: string])[]
  /** Why nothing was done at all. */
  readonly refused?: string | undefined
}

const reasons: Readonly<Record<number, string>> = {
  200: '200 OK',
  201: '201 Created',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  409: '409 Conflict',
  413: '413 Request Entity Too Large',
  422: '422 Unprocessable Entity',
  503: '503 Service Unavailable',
}

export const statusText = (status: number): string => reasons[status] ?? String(status)

/** `success` is what it is where nothing went wrong. */
export function reportAnswer(request: Request, kind: 'delete' | 'extract', success: number, report: Report): Response {
  const { counts, errors, refused = '' } = report
  const isUnauthorized = errors.some(([, status]) => status.startsWith('401'))
  const status = statusText(isUnauthorized ? 401 : errors.length > 0 || refused !== '' ? 400 : success)
  const accept = request.headers['accept'] ?? ''
  const fields: Record<string, string | number> = { ...counts, 'Response Status': status, 'Response Body': refused }
  if (accept.includes('application/json')) return answer('application/json', asciiJson({ ...fields, Errors: errors }))
  if (/\b(application|text)\/xml\b/.test(accept)) return answer('application/xml', toXml(kind, fields, errors))
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  return answer('text/plain', [...lines, 'Errors:', ...errors.map(([name, why]) => `${name}, ${why}`)].join('\n'))
}

const answer = (type: string, body: string): Response => ({ status: 200, headers: { 'content-type': type }, body })

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const xml = (value: string | number) => String(value).replaceAll(/[&<>]/g, (char) => escapes[char]!)

function toXml(kind: string, fields: Record<string, string | number>, errors: Report['errors']): string {
  const tag = (name: string) => name.toLowerCase().replaceAll(' ', '_')
  const own = Object.entries(fields).map(([name, value]) => `<${tag(name)}>${xml(value)}</${tag(name)}>`)
  const failed = errors.map(([name, why]) => `<object><name>${xml(name)}</name><status>${xml(why)}</status></object>`)
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${kind}>${own.join('')}<errors>${failed.join('')}</errors></${kind}>`
}
