/** Copies of objects inside the cluster: `PUT` with `X-Copy-From`, and `COPY`. */
import { isSliceable } from '../wire/message.ts'
import { Readable } from 'node:stream'
import { decodePath, encodePath, splitApiPath, type Place } from '../model/names.ts'
import { answer, answered, refuse } from '../wire/answers.ts'
import { isTrue, subrequest, type Handler, type Headers, type Request, type Response } from '../wire/message.ts'
import type { Middleware } from './middleware.ts'

interface ObjectPlace extends Place {
  version: string
  container: string
  object: string
}

const asObject = (path: string): ObjectPlace | undefined => {
  const place = splitApiPath(path)
  return place?.container !== undefined && place.object !== undefined ? (place as ObjectPlace) : undefined
}

/** `container/object` of a header. */
function placeIn(header: string, name: string): { container: string; object: string } {
  const parts = /^\/?([^/]+)\/([^]+)$/.exec(decodePath(header) ?? '')
  if (!parts) return refuse(412, `${name} header must be of the form <container name>/<object name>`)
  return { container: parts[1]!, object: parts[2]! }
}

function accountIn(header: string): string {
  const account = decodePath(header) ?? ''
  if (account === '') refuse(412, 'Account name cannot be empty')
  return account.includes('/') ? refuse(412, 'Account name cannot contain slashes') : account
}

const pathTo = (version: string, account: string, container: string, object: string) =>
  `/${version}/${account}/${container}/${object}`

/** What the copy has of its source unless the request says otherwise. */
const isCopied = (name: string) =>
  /^x-object-(meta|sysmeta|transient-sysmeta)-/.test(name) ||
  [
    'content-encoding',
    'content-disposition',
    'content-language',
    'cache-control',
    'expires',
    'x-robots-tag',
    'x-delete-at',
  ].includes(name)
const isSystem = (name: string) => name.startsWith('x-object-sysmeta-')
const only = (headers: Headers, isWanted: (name: string) => boolean): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => isWanted(name)))

const conditions = ['range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']

export const copy: Middleware = {
  wrap(next, { proxy }) {
    const { maxFileSize } = proxy.limits
    return (request) =>
      answered(async () => {
        const place = asObject(request.path)
        if (!place) return next(request)
        if (request.method === 'COPY') return put(next, fromCopy(request, place), maxFileSize)
        if (request.method === 'PUT' && request.headers['x-copy-from']) return put(next, request, maxFileSize)
        return request.method === 'OPTIONS' ? withCopy(await next(request)) : next(request)
      })
  },
}

function withCopy(response: Response): Response {
  const headers = { ...response.headers }
  for (const name of ['allow', 'access-control-allow-methods'])
    if (headers[name] !== undefined && !headers[name].includes('COPY')) headers[name] = `${headers[name]}, COPY`
  return { ...response, headers }
}

/** `COPY source` with `Destination` as `PUT destination` with `X-Copy-From`. */
function fromCopy(request: Request, place: ObjectPlace): Request {
  const { destination, 'destination-account': account, ...headers } = request.headers
  if (!destination) return refuse(412, 'Destination header required')
  const target = placeIn(destination, 'Destination')
  const targetAccount = account === undefined ? place.account : accountIn(account)
  return {
    ...request,
    method: 'PUT',
    path: pathTo(place.version, targetAccount, target.container, target.object),
    headers: {
      ...headers,
      'content-length': '0',
      'x-copy-from': encodePath(`${place.container}/${place.object}`),
      'x-copy-from-account': encodePath(place.account),
    },
  }
}

async function put(next: Handler, request: Request, maxSize: number): Promise<Response> {
  if (Number(request.headers['content-length'] ?? 0) > 0) refuse(400, 'Copy requests require a zero byte body')
  const target = asObject(request.path)!
  const {
    'x-copy-from': from = '',
    'x-copy-from-account': fromAccount,
    'x-fresh-metadata': fresh,
    ...own
  } = request.headers
  const source = placeIn(from, 'X-Copy-From')
  const account = fromAccount === undefined ? target.account : accountIn(fromAccount)
  const isManifest = request.query.get('multipart-manifest') === 'get'
  const read = subrequest(
    request,
    {
      method: 'GET',
      path: pathTo(target.version, account, source.container, source.object),
      query: new Map([...request.query, ...(isManifest ? [['format', 'raw'] as const] : [])]),
      headers: { ...only(own, (name) => conditions.includes(name) || name === 'x-auth-token'), 'x-newest': 'true' },
    },
    { source: 'SSC', isOwner: false },
  )
  const found = await next(read)
  if (found.status >= 300) return found
  const length = Number(found.headers['content-length'] ?? NaN)
  if (!(length <= maxSize)) {
    discard(found)
    return answer(413)
  }
  const isFresh = isTrue(fresh)
  const isWhole = found.status === 200 && found.headers['x-static-large-object'] === undefined
  const isDynamic = found.headers['x-object-manifest'] !== undefined
  const query = new Map(request.query)
  if (isManifest && found.headers['x-static-large-object'] !== undefined) query.set('multipart-manifest', 'put')
  else query.delete('multipart-manifest')
  const headers: Headers = {
    ...only(found.headers, isFresh ? isSystem : isCopied),
    ...only(own, (name) => !conditions.includes(name)),
    'content-type': own['content-type'] ?? found.headers['content-type'] ?? 'application/octet-stream',
    'content-length': String(length),
    ...(isWhole &&
      (!isDynamic || isManifest) &&
      found.headers['etag'] !== undefined && { etag: found.headers['etag'] }),
    ...(isManifest && isDynamic && { 'x-object-manifest': found.headers['x-object-manifest']! }),
  }
  const written = await next({ ...request, headers, query, body: readableOf(found) })
  discard(found)
  if (written.status >= 300) return written
  return {
    ...written,
    headers: {
      ...written.headers,
      'x-copied-from-account': encodePath(account),
      'x-copied-from': encodePath(`${source.container}/${source.object}`),
      ...(found.headers['last-modified'] !== undefined && {
        'x-copied-from-last-modified': found.headers['last-modified'],
      }),
      ...only(headers, (name) => name.startsWith('x-object-meta-') || name === 'x-delete-at'),
    },
  }
}

function readableOf({ body }: Response): Readable {
  if (body instanceof Readable) return body
  if (body === undefined || isSliceable(body)) return Readable.from([])
  return Readable.from([typeof body === 'string' ? Buffer.from(body) : body])
}

function discard({ body }: Response) {
  if (body instanceof Readable) body.destroy()
}
