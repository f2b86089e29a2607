/** What a request may not have: names and metadata that are too long, too many, or no text. */
import { parseTimestamp, secondsOf, type Timestamp } from '../model/timestamp.ts'
import { refuse } from '../wire/answers.ts'
import type { Headers, Request } from '../wire/message.ts'
import type { Limits } from './deps.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Whether bytes as latin1 are UTF-8. */
export function isText(bytes: string): boolean {
  try {
    decoder.decode(Buffer.from(bytes, 'latin1'))
    return true
  } catch {
    return false
  }
}

/** Refuses metadata beyond the limits. */
export function checkMetadata(headers: Headers, kind: 'account' | 'container' | 'object', limits: Limits): void {
  const prefix = `x-${kind}-meta-`
  let count = 0
  let size = 0
  for (const [full, value] of Object.entries(headers)) {
    if (value.length > limits.maxHeaderSize)
      refuse(400, `Header value too long: ${full.slice(0, limits.maxMetaNameLength)}`)
    if (!full.startsWith(prefix)) continue
    const name = full.slice(prefix.length)
    if (name === '') refuse(400, 'Metadata name cannot be empty')
    if (kind !== 'object' && !(isText(name) && isText(value))) refuse(400, 'Metadata must be valid UTF-8')
    count++
    size += name.length + value.length
    if (name.length > limits.maxMetaNameLength) refuse(400, `Metadata name too long: ${full}`)
    if (value.length > limits.maxMetaValueLength)
      refuse(400, `Metadata value longer than ${limits.maxMetaValueLength}: ${full}`)
    if (count > limits.maxMetaCount) refuse(400, `Too many metadata items; max ${limits.maxMetaCount}`)
    if (size > limits.maxMetaOverallSize) refuse(400, `Total metadata too large; max ${limits.maxMetaOverallSize}`)
  }
}

/** The length of the body; undefined for one that comes in chunks. */
export function lengthOf({ headers }: Request): number | undefined {
  const coding = headers['transfer-encoding']?.toLowerCase()
  if (coding !== undefined && coding !== 'chunked')
    refuse(501, `Unsupported Transfer-Coding header value specified in Transfer-Encoding header`)
  if (coding === 'chunked') return undefined
  const text = headers['content-length']
  if (text === undefined) return refuse(411, 'Missing Content-Length header.')
  return /^\d+$/.test(text) ? Number(text) : refuse(400, 'Invalid Content-Length header value')
}

export function checkNewObject(request: Request, name: string, limits: Limits): void {
  const length = lengthOf(request)
  if (length !== undefined && length > limits.maxFileSize) refuse(413, 'Your request is too large.')
  const nameLength = Buffer.byteLength(name)
  if (nameLength > limits.maxObjectNameLength)
    refuse(400, `Object name length of ${nameLength} longer than ${limits.maxObjectNameLength}`)
  const type = request.headers['content-type']
  if (type === undefined) refuse(400, 'No content type')
  else if (!isText(type)) refuse(400, 'Invalid Content-Type')
  checkMetadata(request.headers, 'object', limits)
}

/** The headers with a moment of deletion in place of a time until then. */
export function withDeleteAt(headers: Headers, time: Timestamp): Headers {
  const { 'x-delete-after': after, ...rest } = headers
  const now = Math.floor(secondsOf(time))
  if (after !== undefined) {
    if (!/^-?\d+$/.test(after)) refuse(400, 'Non-integer X-Delete-After')
    if (Number(after) <= 0) refuse(400, 'X-Delete-After in past')
    rest['x-delete-at'] = String(now + Number(after))
  }
  const at = rest['x-delete-at']
  if (at !== undefined && at !== '') {
    if (!/^-?\d+$/.test(at)) refuse(400, 'Non-integer X-Delete-At')
    if (Number(at) <= now) refuse(400, 'X-Delete-At in past')
    rest['x-delete-at'] = String(Number(at)).padStart(10, '0')
  }
  return rest
}

/** The moment that a request is of, which only trusted ones say themselves. */
export const givenTime = ({ headers }: Request): Timestamp | undefined => parseTimestamp(headers['x-timestamp'] ?? '')
