/** Scripts of other pages: what a container says of who may ask from where. */
import type { Place } from '../model/names.ts'
import { answer } from '../wire/answers.ts'
import type { Headers, Request, Response } from '../wire/message.ts'
import type { ProxyDeps } from './deps.ts'
import { containerState } from './info.ts'

const words = (text: string | undefined): string[] => (text ?? '').split(/[\s,]+/).filter((word) => word !== '')

/** Headers that scripts see without being allowed to. */
const alwaysShown = [
  'cache-control',
  'content-language',
  'content-type',
  'expires',
  'last-modified',
  'pragma',
  'etag',
  'x-timestamp',
  'x-trans-id',
  'x-openstack-request-id',
]

interface Cors {
  readonly origins: readonly string[]
  readonly maxAge: string | undefined
  readonly exposed: readonly string[]
}

async function corsOf(deps: ProxyDeps, { context }: Request, { account, container }: Place): Promise<Cors> {
  const meta = container === undefined ? {} : (await containerState(deps, context, account, container)).meta
  return {
    origins: words(meta['access-control-allow-origin']),
    maxAge: meta['access-control-max-age'],
    exposed: words(meta['access-control-expose-headers']),
  }
}

/** Answers what browsers ask before, and tells them of an answer what its page may see. */
export async function withCors(
  deps: ProxyDeps,
  request: Request,
  place: Place,
  methods: readonly string[],
  handle: () => Promise<Response>,
): Promise<Response> {
  const { origin } = request.headers
  if (request.method === 'OPTIONS') return preflight(deps, request, place, methods)
  const response = await handle()
  if (origin === undefined) return response
  const cors = await corsOf(deps, request, place)
  if (!cors.origins.includes('*') && !cors.origins.includes(origin)) return response
  const own = Object.keys(response.headers).filter((name) => /^x-(account|container|object)-meta-/.test(name))
  const isAny = cors.origins.includes('*')
  return {
    ...response,
    headers: {
      ...response.headers,
      'access-control-allow-origin': isAny ? '*' : origin,
      'access-control-expose-headers': [...new Set([...alwaysShown, ...own, ...cors.exposed])].join(', '),
      ...(!isAny && { vary: 'Origin' }),
    },
  }
}

async function preflight(
  deps: ProxyDeps,
  request: Request,
  place: Place,
  methods: readonly string[],
): Promise<Response> {
  const { origin, 'access-control-request-method': method, 'access-control-request-headers': asked } = request.headers
  const allow = methods.join(', ')
  if (origin === undefined) return { status: 200, headers: { allow } }
  if (method === undefined) return answer(401, undefined, { allow })
  const cors = await corsOf(deps, request, place)
  const isAny = cors.origins.includes('*')
  if (!isAny && !cors.origins.includes(origin)) return answer(401, undefined, { allow })
  const headers: Headers = {
    allow,
    'access-control-allow-origin': isAny ? '*' : origin,
    'access-control-allow-methods': allow,
    ...(asked !== undefined && { 'access-control-allow-headers': words(asked).join(', ') }),
    ...(cors.maxAge !== undefined && { 'access-control-max-age': cors.maxAge }),
    vary: isAny ? 'Access-Control-Request-Headers' : 'Origin, Access-Control-Request-Headers',
  }
  return { status: 200, headers }
}
