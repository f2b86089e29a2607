/** Static large objects: an object that is a list of others, with their sizes and hashes. */
import { splitApiPath, type Place } from '../model/names.ts'
import { answered, refuse } from '../wire/answers.ts'
import { conditional } from '../wire/conditions.ts'
import { asciiJson } from '../wire/listing.ts'
import { isTrue, withWord, type Handler, type Request, type Response } from '../wire/message.ts'
import type { Middleware, Options } from './middleware.ts'
import { bodyOf, contentOf, readableOf, type Segment } from './segments.ts'
import { putManifest, type StoredSegment } from './slo-put.ts'
import { deleteWithSegments } from './slo-delete.ts'

const limitsOf = (options: Options) => ({
  max_manifest_segments: options.number('max_manifest_segments', 1000),
  max_manifest_size: options.number('max_manifest_size', 8 << 20),
  yield_frequency: options.number('yield_frequency', 10),
  min_segment_size: 1,
})

export const slo: Middleware = {
  info: (options) => ({ slo: limitsOf(options) }),
  wrap(next, { options }) {
    const limits = limitsOf(options)
    const handle: Handler = (request) =>
      answered(async () => {
        const place = splitApiPath(request.path)
        if (place?.object === undefined) return next(request)
        const { method, query, headers } = request
        const asked = query.get('multipart-manifest')
        if (method === 'PUT' && asked === 'put') return putManifest(next, handle, request, place, limits)
        if (method === 'DELETE' && asked === 'delete')
          return deleteWithSegments(next, request, place, (path) =>
            segmentsOf(next, request, path, limits.max_manifest_size),
          )
        // Only what was checked is a list.
        if (method === 'PUT' && headers['x-static-large-object'] !== undefined) {
          const { 'x-static-large-object': _said, ...rest } = headers
          return next({ ...request, headers: rest })
        }
        if (method !== 'GET' && method !== 'HEAD') return next(request)
        return asked === 'get'
          ? readManifest(next, request)
          : read(next, handle, request, place, limits.max_manifest_size)
      })
    return handle
  },
}

const isList = ({ status, headers }: Response): boolean => status === 200 && isTrue(headers['x-static-large-object'])

async function read(
  next: Handler,
  handle: Handler,
  request: Request,
  place: Place & { version: string },
  most: number,
): Promise<Response> {
  const tagged = withWord(request.headers, 'x-backend-etag-is-at', 'x-object-sysmeta-slo-etag')
  const headers = withWord(tagged, 'x-backend-ignore-range-if-metadata-present', 'x-static-large-object')
  const own = await next({ ...request, headers })
  if (!isList(own)) return own
  const shown = { ...own.headers, etag: `"${own.headers['x-object-sysmeta-slo-etag'] ?? own.headers['etag'] ?? ''}"` }
  const size = own.headers['x-object-sysmeta-slo-size'] ?? '0'
  if (request.method === 'HEAD') return { ...own, headers: { ...shown, 'content-length': size } }
  const list = listIn(await contentOf(readableOf(own), most * 2))
  const segments = list.map((segment) => segmentOf(segment, place))
  const body = bodyOf(handle, request, segments, 'SLO')
  // Its conditions have been looked at where the list is; its range is one of the whole.
  const { range, 'if-range': ifRange } = request.headers
  const rest = { ...(range !== undefined && { range }), ...(ifRange !== undefined && { 'if-range': ifRange }) }
  const whole = { status: 200, headers: { ...shown, 'content-length': String(body.size) }, body }
  return conditional({ ...request, headers: rest }, whole)
}

function listIn(content: Buffer): StoredSegment[] {
  try {
    return JSON.parse(content.toString()) as StoredSegment[]
  } catch {
    return refuse(500, 'Unable to load SLO manifest')
  }
}

function segmentOf(stored: StoredSegment, { version, account }: Place & { version: string }): Segment {
  if ('data' in stored) {
    const data = Buffer.from(stored.data, 'base64')
    return { data, size: data.length }
  }
  const [first, last] = (stored.range ?? `0-${stored.bytes - 1}`).split('-').map(Number) as [number, number]
  return { path: `/${version}/${account}${stored.name}`, size: last - first + 1, etag: stored.hash, first }
}

/** The list itself, or as it would be uploaded again. */
async function readManifest(next: Handler, request: Request): Promise<Response> {
  const own = await next(request)
  if (!isList(own)) return own
  const headers = { ...own.headers, 'content-type': 'application/json; charset=utf-8' }
  if (request.method === 'HEAD' || request.query.get('format') !== 'raw') return { ...own, headers }
  const list = listIn(await contentOf(readableOf(own), 64 << 20))
  const body = asciiJson(
    list.map((segment) =>
      'data' in segment
        ? { data: segment.data }
        : {
            etag: segment.hash,
            path: segment.name,
            ...(segment.range !== undefined && { range: segment.range }),
            size_bytes: segment.bytes,
          },
    ),
  )
  return { ...own, headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) }, body }
}

/** The segments of a list, for those who delete it. */
async function segmentsOf(
  next: Handler,
  request: Request,
  path: string,
  most: number,
): Promise<StoredSegment[] | undefined> {
  const query = new Map([['multipart-manifest', 'get']])
  const own = await next({ ...request, method: 'GET', path, query, headers: {}, body: undefined })
  if (own.status === 404) return undefined
  if (own.status >= 300) return refuse(own.status)
  if (!isList(own)) {
    readableOf(own).destroy()
    return refuse(400, 'Not an SLO manifest')
  }
  return listIn(await contentOf(readableOf(own), most * 2))
}
