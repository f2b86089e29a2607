/** Requests for objects. */
import { hashPath } from '../model/hash-path.ts'
import type { Ring } from '../model/ring/ring.ts'
import { httpDate, now } from '../model/timestamp.ts'
import { answer, refuse } from '../wire/answers.ts'
import { isSuccess, isTrue, type Request, type Response } from '../wire/message.ts'
import { checkMetadata, checkNewObject, givenTime, withDeleteAt } from './constraints.ts'
import { contentTypeOf } from './content-types.ts'
import type { ProxyDeps } from './deps.ts'
import { objectHeadersOf, readHeadersOf, shown, tellHeaders } from './headers.ts'
import { containerPlace, containerState, type ContainerState } from './info.ts'
import { readFrom, tellAll, type Place } from './nodes.ts'
import { putObject } from './put-object.ts'

interface Target {
  readonly account: string
  readonly container: string
  readonly object: string
}

/** Where the object is, by the policy of its container. */
function placeOf(deps: ProxyDeps, request: Request, target: Target, state: ContainerState): Place & { policy: number } {
  const policy = Number(request.headers['x-backend-storage-policy-index'] ?? state.policy)
  const ring: Ring = deps.rings.object(policy) ?? refuse(503, 'Unknown Storage Policy')
  const { account, container, object } = target
  const part = ring.partOf(hashPath(deps.mix, account, container, object))
  return { kind: 'object', ring, part, path: `/${account}/${container}/${object}`, policy }
}

async function authorize(request: Request, acl: string | undefined): Promise<void> {
  const { context } = request
  if (context.isAuthorized) return
  const refused = await context.authorize?.(request, acl)
  if (refused) throw new RefusedByAcl(refused)
}

class RefusedByAcl extends Error {
  readonly response: Response
  constructor(response: Response) {
    super('refused')
    this.response = response
  }
}

async function read(deps: ProxyDeps, request: Request, place: Place & { policy: number }): Promise<Response> {
  const headers = { ...readHeadersOf(request), 'x-backend-storage-policy-index': String(place.policy) }
  const response = await readFrom(deps, place, { method: request.method, headers })
  const own = shown(response.headers)
  const type = own['content-type']
  return { ...response, headers: { ...own, ...(type !== undefined && { 'content-type': withoutSize(type) }) } }
}

/** The size that a list of segments has in its type is for listings only, and no client's to set. */
const withoutSize = (type: string): string => type.replaceAll(/\s*;\s*swift_[a-z]+=[^;]*/gi, '')

/** Which containers each replica tells of the object. */
function containersOf(deps: ProxyDeps, { account, container }: Target, replicas: number) {
  const { ring, part } = containerPlace(deps, account, container)
  return tellHeaders('container', ring.primaries(part), part, replicas)
}

async function put(
  deps: ProxyDeps,
  request: Request,
  target: Target,
  place: Place & { policy: number },
): Promise<Response> {
  const { headers } = request
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined && !ifNoneMatch.includes('*')) return answer(400, 'If-None-Match only supports *')
  const time = givenTime(request) ?? now()
  const isDetected = isTrue(headers['x-detect-content-type']) || !headers['content-type']
  const given = isDetected ? contentTypeOf(target.object) : headers['content-type']!
  const type = request.context.mayTellSize ? given : withoutSize(given)
  const typed = { ...request, headers: { ...headers, 'content-type': type } }
  checkNewObject(typed, target.object, deps.limits)
  const own = objectHeadersOf({ ...typed, headers: withDeleteAt(typed.headers, time) }, time)
  const tell = containersOf(deps, target, place.ring.replicaCount)
  const headersFor = (index: number) => ({
    ...own,
    'x-backend-storage-policy-index': String(place.policy),
    ...tell(index),
  })
  const response = await putObject(deps, place, { headersFor, body: request.body, maxSize: deps.limits.maxFileSize })
  if (!isSuccess(response)) return { ...response, headers: withoutLength(response.headers) }
  return {
    status: response.status,
    headers: {
      'content-type': 'text/html; charset=UTF-8',
      'last-modified': httpDate(time),
      etag: (response.headers['etag'] ?? '').replaceAll('"', ''),
      'x-timestamp': time,
    },
  }
}

const withoutLength = ({ 'content-length': _length, ...headers }: Response['headers']) => headers

/** POST and DELETE. */
async function change(
  deps: ProxyDeps,
  request: Request,
  target: Target,
  place: Place & { policy: number },
): Promise<Response> {
  const time = givenTime(request) ?? now()
  if (request.method === 'POST') checkMetadata(request.headers, 'object', deps.limits)
  const headers = request.method === 'POST' ? withDeleteAt(request.headers, time) : request.headers
  const {
    'content-length': _length,
    'transfer-encoding': _coding,
    ...own
  } = objectHeadersOf({ ...request, headers }, time)
  const tell = containersOf(deps, target, place.ring.replicaCount)
  const response = await tellAll(deps, place, request.method, (index) => ({
    ...own,
    'x-backend-storage-policy-index': String(place.policy),
    ...tell(index),
  }))
  return { ...response, headers: withoutLength(response.headers) }
}

export async function objectRequest(deps: ProxyDeps, request: Request, target: Target): Promise<Response> {
  const { method } = request
  const state = await containerState(deps, request.context, target.account, target.container)
  if (state.status >= 500) return answer(503)
  const isRead = method === 'GET' || method === 'HEAD'
  try {
    await authorize(request, isRead ? state.readAcl : state.writeAcl)
  } catch (error) {
    if (error instanceof RefusedByAcl) return error.response
    throw error
  }
  if (!isRead && !isSuccess(state)) return answer(404)
  const place = placeOf(deps, request, target, state)
  if (isRead) return read(deps, request, place)
  return method === 'PUT' ? put(deps, request, target, place) : change(deps, request, target, place)
}
