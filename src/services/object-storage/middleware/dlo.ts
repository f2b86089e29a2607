/** Dynamic large objects: an object that stands for all whose names begin in a certain way. */
import { createHash } from 'node:crypto'
import { decodePath, splitApiPath } from '../model/names.ts'
import { answer, answered, refuse } from '../wire/answers.ts'
import { conditional } from '../wire/conditions.ts'
import type { ListingEntry } from '../wire/listing.ts'
import { subrequest, withWord, type Handler, type Request, type Response } from '../wire/message.ts'
import type { Middleware } from './middleware.ts'
import { bodyOf, contentOf, readableOf, sizeOf, type Segment } from './segments.ts'

/** Names of a page; a list that is longer is read page by page. */
const pageSize = 10_000
const mostListing = 64 << 20

export const dlo: Middleware = {
  info: (options) => ({ dlo: { max_segments: options.number('max_segments', 10_000) } }),
  wrap(next, { options }) {
    const most = options.number('max_segments', 10_000)
    return (request) =>
      answered(async () => {
        const { method } = request
        const place = splitApiPath(request.path)
        if (place?.object === undefined) return next(request)
        if (method === 'PUT') return isManifestGood(request) ? next(request) : answer(400, badManifest)
        if ((method !== 'GET' && method !== 'HEAD') || request.query.get('multipart-manifest') === 'get')
          return next(request)
        return read(next, request, most)
      })
  },
}

const badManifest = 'X-Object-Manifest must be in the format container/prefix'

function isManifestGood({ headers }: Request): boolean {
  const text = headers['x-object-manifest']
  if (text === undefined || text === '') return true
  const decoded = decodePath(text)?.replace(/^\/+/, '') ?? ''
  return /^[^/?&]+\/[^/?&][^?&]*$/.test(decoded)
}

/** What the object itself says goes before, so that its own range and conditions are not taken. */
async function read(next: Handler, request: Request, most: number): Promise<Response> {
  const ignored = withWord(request.headers, 'x-backend-ignore-range-if-metadata-present', 'x-object-manifest')
  const own = await next({ ...request, headers: ignored })
  const manifest = own.headers['x-object-manifest']
  if (manifest === undefined || own.status !== 200 || own.headers['x-static-large-object'] !== undefined) return own
  if (request.method === 'GET') readableOf(own).destroy()
  const place = splitApiPath(request.path)!
  const [, container = '', prefix = ''] = /^\/*([^/]+)\/([^]*)$/.exec(decodePath(manifest) ?? '') ?? []
  const base = `/${place.version}/${place.account}/${container}`
  const entries = await entriesOf(next, request, base, prefix, most)
  const segments = entries.map((entry): Segment => ({
    path: `${base}/${String(entry['name'])}`,
    size: Number(entry['bytes']),
    etag: String(entry['hash']),
    first: 0,
  }))
  const etag = createHash('md5')
    .update(entries.map((entry) => String(entry['hash'])).join(''))
    .digest('hex')
  const headers = { ...own.headers, 'content-length': String(sizeOf(segments)), etag: `"${etag}"` }
  const whole: Response = {
    status: 200,
    headers,
    ...(request.method === 'GET' && { body: bodyOf(next, request, segments, 'DLO') }),
  }
  return conditional(request, whole)
}

async function entriesOf(
  next: Handler,
  request: Request,
  path: string,
  prefix: string,
  most: number,
): Promise<ListingEntry[]> {
  const found: ListingEntry[] = []
  for (let marker = ''; found.length < most; marker = String(found.at(-1)!['name'])) {
    const query = new Map([
      ['format', 'json'],
      ['prefix', prefix],
      ['marker', marker],
      ['limit', String(pageSize)],
    ])
    const response = await next(
      subrequest(request, { method: 'GET', path, query }, { source: 'DLO', isAuthorized: false }),
    )
    if (response.status === 404) return found
    // Who may not list the segments may not have them.
    if (response.status >= 300) refuse(response.status < 500 ? response.status : 503)
    const text = (await contentOf(readableOf(response), mostListing)).toString()
    const page = text === '' ? [] : (JSON.parse(text) as ListingEntry[])
    found.push(...page)
    if (page.length < pageSize) break
  }
  return found.slice(0, most)
}
