/**
 * The service as an app of the program. Its routes are no table: what is asked for is a path of the client's own names, the
 * answer is bytes, and in between stand the middlewares that the operator has chosen.
 */
import { Readable } from 'node:stream'
import type { App } from '../../../platform/http/app.ts'
import type { RawRequest, RawResponse } from '../../../platform/http/message.ts'
import { decodePath } from '../model/names.ts'
import { isSliceable, newContext, titleCase, type Handler, type Headers, type Request } from '../wire/message.ts'

/** For metrics: of a kind, whatever the names are. */
const routes = ['', '/{version}', '/{version}/{account}', '/{version}/{account}/{container}']
const routeOf = (path: string): string =>
  path === '/info' || path === '/healthcheck'
    ? path
    : (routes[path.split('/').length - 1] ?? '/{version}/{account}/{container}/{object}')

export const appOf = (handler: Handler, { type, baseUrl }: { type: string; baseUrl: string }): App => ({
  type,
  baseUrl,
  async dispatch(raw): Promise<RawResponse> {
    const request = requestOf(raw)
    const { status, headers, body } = await handler(request)
    if (isSliceable(body)) throw new Error('a body that is not opened cannot be sent')
    return {
      status,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [titleCase(name), sendable(value)])),
      body: raw.method === 'HEAD' && !(body instanceof Readable) ? undefined : body,
      route: routeOf(request.path),
      requestId: headers['x-trans-id'] ?? '',
    }
  },
})

/** A header is one line of bytes. */
const sendable = (value: string): string => value.replaceAll(/[\r\n\0]/g, ' ')

function requestOf({ method, url, headers, stream, json, peer }: RawRequest): Request {
  const mark = url.indexOf('?')
  const path = decodePath(mark < 0 ? url : url.slice(0, mark)) ?? ''
  const flat: Headers = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(',') : value
  const text = json === undefined ? undefined : JSON.stringify(json)
  if (text !== undefined) flat['content-length'] = String(Buffer.byteLength(text))
  if (isChunked(flat)) delete flat['content-length']
  return {
    method,
    path,
    query: new Map(mark < 0 ? [] : new URLSearchParams(url.slice(mark + 1))),
    headers: flat,
    body: text === undefined ? stream : Readable.from([Buffer.from(text)]),
    peer,
    context: newContext(''),
  }
}

const isChunked = (headers: Headers): boolean => /(^|,)\s*chunked\s*$/i.test(headers['transfer-encoding'] ?? '')
