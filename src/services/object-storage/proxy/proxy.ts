/** swift-proxy-server behind its middlewares: which request is for what. */
import { splitApiPath } from '../model/names.ts'
import { answer, answered } from '../wire/answers.ts'
import { asciiJson } from '../wire/listing.ts'
import type { Handler, Request, Response } from '../wire/message.ts'
import { accountRequest } from './account.ts'
import { containerRequest } from './container.ts'
import { withCors } from './cors.ts'
import type { ProxyDeps } from './deps.ts'
import { objectRequest } from './object.ts'

const versions = new Set(['v1', 'v1.0'])
const methods = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']

export function proxyServer(deps: ProxyDeps): Handler {
  const handle = async (request: Request): Promise<Response> => {
    const { path, method, context } = request
    // Bytes that are no text have no path.
    if (path === '') return answer(412, 'Invalid UTF8 or contains NULL')
    if (path === '/info') return info(deps, request)
    const place = splitApiPath(path)
    if (!place) return /^\/[^/]+\/?$/.test(path) ? answer(412, 'Bad URL') : answer(404)
    if (!versions.has(place.version)) return answer(400)
    if (!methods.includes(method)) return answer(405, undefined, { allow: methods.join(', ') })
    const { account, container, object } = place
    if (path.includes('\0') && !context.isOwner) return answer(412, 'Invalid UTF8 or contains NULL')
    return withCors(deps, request, place, methods, async () => {
      const refused = context.isAuthorized ? undefined : await context.authorize?.(request)
      // Whoever may not by himself may by the access list of the container, which is read later.
      const isLater = object !== undefined || (container !== undefined && (method === 'GET' || method === 'HEAD'))
      if (refused && !isLater) return refused
      const decided = { ...request, context: { ...context, isAuthorized: refused === undefined } }
      if (container === undefined) return accountRequest(deps, decided, account)
      if (object === undefined) return containerRequest(deps, decided, account, container)
      return objectRequest(deps, decided, { account, container, object })
    })
  }
  return (request) => answered(() => handle(request))
}

function info(deps: ProxyDeps, { method }: Request): Response {
  if (method === 'OPTIONS') return { status: 200, headers: { allow: 'HEAD, GET, OPTIONS' } }
  if (method !== 'GET' && method !== 'HEAD') return answer(405, undefined, { allow: 'HEAD, GET, OPTIONS' })
  const body = asciiJson(deps.info())
  return { status: 200, headers: { 'content-type': 'application/json; charset=UTF-8' }, body }
}
