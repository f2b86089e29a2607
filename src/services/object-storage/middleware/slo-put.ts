/** Writes the list of a static large object, after looking at each of its segments. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { encodePath, type Place } from '../model/names.ts'
import { contentTypeOf } from '../proxy/content-types.ts'
import { answer, refuse } from '../wire/answers.ts'
import { bareEtag } from '../wire/conditions.ts'
import { asciiJson } from '../wire/listing.ts'
import { isSuccess, isTrue, subrequest, type Handler, type Request, type Response } from '../wire/message.ts'
import { parseRanges, rangesWithin } from '../wire/ranges.ts'
import { contentOf } from './segments.ts'

/** As lists are kept. */
export type StoredSegment =
  | { data: string }
  | {
      name: string
      bytes: number
      hash: string
      content_type: string
      last_modified: string
      range?: string
      sub_slo?: true
    }

interface Given {
  path: string
  etag?: string | null
  size_bytes?: number | null
  range?: string
}

interface Limits {
  readonly max_manifest_segments: number
  readonly max_manifest_size: number
}

const keysOf = { path: ['path', 'etag', 'size_bytes', 'range'], data: ['data'] }

/** What is wrong with a segment as it is written. */
function problemOf(segment: unknown, isLast: boolean): string | undefined {
  if (typeof segment !== 'object' || segment === null || Array.isArray(segment)) return 'not a JSON object'
  const given = segment as Record<string, unknown>
  const kind = 'data' in given ? 'data' : 'path' in given ? 'path' : undefined
  if (kind === undefined) return "expected keys to include one of 'data' or 'path'"
  const extra = Object.keys(given).filter((key) => !keysOf[kind].includes(key))
  if (extra.length > 0)
    return `extraneous keys ${extra
      .sort()
      .map((key) => JSON.stringify(key))
      .join(', ')}`
  if (kind === 'data') {
    const { data } = given
    if (typeof data !== 'string' || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(data))
      return 'data must be valid base64'
    return data === '' ? 'too small; each segment must be at least 1 byte.' : undefined
  }
  return problemOfPath(given, isLast)
}

function problemOfPath(
  { path, etag, size_bytes: size, range }: Record<string, unknown>,
  isLast: boolean,
): string | undefined {
  if (typeof path !== 'string') return '"path" must be a string'
  if (etag != null && typeof etag !== 'string') return '"etag" must be a string or null (if provided)'
  if (!path.replaceAll(/^\/+|\/+$/g, '').includes('/'))
    return 'path does not refer to an object. Path must be of the form /container/object.'
  if (size != null && !Number.isInteger(Number(size))) return 'invalid size_bytes'
  if (size != null && Number(size) < 1 && !isLast) return 'too small; each segment must be at least 1 byte.'
  if (range == null || range === '') return undefined
  const specs = typeof range === 'string' ? parseRanges(`bytes=${range}`) : undefined
  if (!specs) return 'invalid range'
  if (specs.length > 1) return 'multiple ranges (only one allowed)'
  return size != null && rangesWithin(specs, Number(size)).length !== 1 ? 'unsatisfiable range' : undefined
}

function parse(content: Buffer, ownPath: string, account: string, limits: Limits): (Given | { data: string })[] {
  let list: unknown
  try {
    list = JSON.parse(content.toString())
  } catch {
    return refuse(400, 'Manifest must be valid JSON.\n')
  }
  if (!Array.isArray(list)) return refuse(400, 'Manifest must be a list.\n')
  if (list.length > limits.max_manifest_segments)
    refuse(413, `Number of segments must be <= ${limits.max_manifest_segments}`)
  const problems = list.flatMap((segment: unknown, index) => {
    const own = (segment as { path?: unknown } | null)?.path
    const isSelf = typeof own === 'string' && `/${account}/${own.replace(/^\/+/, '')}` === ownPath
    const problem = isSelf
      ? 'manifest must not include itself as a segment'
      : problemOf(segment, index === list.length - 1)
    return problem === undefined ? [] : [`Index ${index}: ${problem}\n`]
  })
  if (list.length > 0 && list.every((segment) => typeof segment === 'object' && segment !== null && 'data' in segment))
    problems.push('Inline data segments require at least one object-backed segment.\n')
  return problems.length > 0 ? refuse(400, problems.join('')) : (list as (Given | { data: string })[])
}

/** What a segment is, as its server says; `problem` where that is not what was said of it. */
async function look(handle: Handler, request: Request, base: string, given: Given, isLast: boolean) {
  const name = `/${given.path.replace(/^\/+/, '')}`
  const read = subrequest(request, { method: 'HEAD', path: `${base}${name}` }, { source: 'SLO', isAuthorized: false })
  const { status, headers } = await handle(read)
  if (!isSuccess({ status })) return { name, problem: status === 404 ? '404 Not Found' : String(status) }
  const bytes = Number(headers['content-length'] ?? 0)
  const hash = bareEtag(headers['etag'] ?? '')
  const ranges = given.range ? rangesWithin(parseRanges(`bytes=${given.range}`) ?? [], bytes) : undefined
  if (ranges?.length === 0) return { name, problem: 'Unsatisfiable Range' }
  const [part] = ranges ?? []
  const isPart = part !== undefined && !(part.start === 0 && part.end === bytes - 1)
  const size = isPart ? part.end - part.start + 1 : bytes
  if (size < 1 && !isLast) return { name, problem: 'Too small; each segment must be at least 1 byte.' }
  if (given.size_bytes != null && Number(given.size_bytes) !== bytes) return { name, problem: 'Size Mismatch' }
  if (given.etag != null && bareEtag(given.etag) !== hash) return { name, problem: 'Etag Mismatch' }
  const modified = new Date(headers['last-modified'] ?? Date.now()).toISOString().replace('Z', '000')
  const stored: StoredSegment = {
    name,
    bytes,
    hash,
    content_type: headers['content-type'] ?? '',
    last_modified: modified,
    ...(isPart && { range: `${part.start}-${part.end}` }),
    ...(isTrue(headers['x-static-large-object']) && { sub_slo: true }),
  }
  return { name, stored, size }
}

export async function putManifest(
  next: Handler,
  handle: Handler,
  request: Request,
  place: Place & { version: string },
  limits: Limits,
): Promise<Response> {
  const { version, account, container, object } = place
  const content = await contentOf(request.body, limits.max_manifest_size)
  const given = parse(content, `/${account}/${container}/${object}`, account, limits)
  const stored: StoredSegment[] = []
  const problems: string[] = []
  let total = 0
  for (const [index, segment] of given.entries()) {
    if ('data' in segment) {
      stored.push({ data: segment.data })
      total += Buffer.from(segment.data, 'base64').length
      continue
    }
    const found = await look(handle, request, `/${version}/${account}`, segment, index === given.length - 1)
    if (found.problem !== undefined) problems.push(`${encodePath(found.name)}, ${found.problem}`)
    else {
      stored.push(found.stored)
      total += found.size
    }
  }
  if (problems.length > 0) return answer(400, `Errors:\n${problems.join('\n')}\n`)
  return write(next, request, stored, total)
}

/** The tag of the whole is the hash of the tags of its parts. */
function etagOf(stored: readonly StoredSegment[]): string {
  const hash = createHash('md5')
  for (const segment of stored) {
    if ('data' in segment) hash.update(createHash('md5').update(Buffer.from(segment.data, 'base64')).digest('hex'))
    else hash.update(segment.range === undefined ? segment.hash : `${segment.hash}:${segment.range};`)
  }
  return hash.digest('hex')
}

async function write(
  next: Handler,
  request: Request,
  stored: readonly StoredSegment[],
  total: number,
): Promise<Response> {
  const etag = etagOf(stored)
  const wanted = request.headers['etag']
  if (wanted !== undefined && bareEtag(wanted) !== etag) return answer(422)
  const body = Buffer.from(asciiJson(stored))
  const own = createHash('md5').update(body).digest('hex')
  const type = request.headers['content-type'] ?? contentTypeOf(request.path)
  const { 'transfer-encoding': _coding, ...headers } = request.headers
  const response = await next({
    ...request,
    query: new Map(),
    body: Readable.from([body]),
    headers: {
      ...headers,
      'content-length': String(body.length),
      'content-type': `${type};swift_bytes=${total}`,
      etag: own,
      'x-static-large-object': 'True',
      'x-object-sysmeta-slo-etag': etag,
      'x-object-sysmeta-slo-size': String(total),
      'x-object-sysmeta-container-update-override-etag': `${own}; slo_etag=${etag}`,
    },
    context: { ...request.context, mayTellSize: true },
  })
  return isSuccess(response) ? { ...response, headers: { ...response.headers, etag: `"${etag}"` } } : response
}
