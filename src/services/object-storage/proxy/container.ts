/** Requests for containers. */
import { now } from '../model/timestamp.ts'
import { answer, refuse } from '../wire/answers.ts'
import { fromWire, isSuccess, type Headers, type Request, type Response } from '../wire/message.ts'
import { cleanAcl } from '../model/acl.ts'
import { createAccount } from './account.ts'
import { checkMetadata, givenTime } from './constraints.ts'
import type { Policy, ProxyDeps } from './deps.ts'
import { metadataHeaders, readHeadersOf, shown, tellHeaders, withoutOwners } from './headers.ts'
import { accountPlace, accountState, containerPlace, forget } from './info.ts'
import { readFrom, tellAll } from './nodes.ts'

function checkName(container: string, { limits }: ProxyDeps) {
  const length = Buffer.byteLength(container)
  if (length > limits.maxContainerNameLength)
    refuse(400, `Container name length of ${length} longer than ${limits.maxContainerNameLength}`)
}

/** The policy that a request names; undefined where it names none. */
function policyIn({ headers }: Request, { policies }: ProxyDeps): Policy | undefined {
  const name = headers['x-storage-policy']
  if (!name) return undefined
  const found = policies.find((policy) => policy.name.toLowerCase() === name.toLowerCase())
  if (!found) return refuse(400, `Invalid X-Storage-Policy '${name}'`)
  return found.isDeprecated ? refuse(400, `Storage Policy '${found.name}' is deprecated`) : found
}

function withCleanAcls(request: Request): Request {
  const headers: Headers = { ...request.headers }
  for (const name of ['x-container-read', 'x-container-write']) {
    const acl = headers[name]
    if (acl === undefined) continue
    const clean = cleanAcl(name, acl)
    if (clean.problem !== undefined) refuse(400, clean.problem)
    headers[name] = clean.acl
  }
  return { ...request, headers }
}

async function read(deps: ProxyDeps, request: Request, account: string, container: string): Promise<Response> {
  const owner = await accountState(deps, request.context, account)
  if (!isSuccess(owner)) return answer(404)
  const response = await readFrom(deps, containerPlace(deps, account, container), {
    method: request.method,
    headers: readHeadersOf(request),
    query: new Map([...request.query, ['format', 'json']]),
  })
  const { context } = request
  const acl = response.headers['x-container-read']
  const refused = context.isAuthorized ? undefined : await context.authorize?.(request, acl && fromWire(acl))
  if (refused) return refused
  const policy = deps.policies.find(({ index }) => String(index) === response.headers['x-backend-storage-policy-index'])
  const headers = {
    ...shown(response.headers),
    ...(policy && isSuccess(response) && { 'x-storage-policy': policy.name }),
  }
  return { ...response, headers: context.isOwner ? headers : withoutOwners(headers) }
}

async function write(deps: ProxyDeps, given: Request, account: string, container: string): Promise<Response> {
  const request = withCleanAcls(given)
  const { method, context } = request
  if (method !== 'DELETE') checkMetadata(request.headers, 'container', deps.limits)
  const policy = method === 'PUT' ? policyIn(request, deps) : undefined
  if (method === 'PUT') await requireAccount(deps, request, account)
  else if (!isSuccess(await accountState(deps, context, account))) return answer(404)
  const accountRing = accountPlace(deps, account)
  const place = containerPlace(deps, account, container)
  const tellAccounts = tellHeaders(
    'account',
    accountRing.ring.primaries(accountRing.part),
    accountRing.part,
    place.ring.replicaCount,
  )
  const fallback = deps.policies.find(({ isDefault }) => isDefault)
  const headers: Headers = {
    ...metadataHeaders(request, 'container', givenTime(request) ?? now()),
    ...(policy && { 'x-backend-storage-policy-index': String(policy.index) }),
    ...(method === 'PUT' && { 'x-backend-storage-policy-default': String(fallback?.index ?? 0) }),
  }
  const response = await tellAll(deps, place, method, (index) => ({
    ...headers,
    ...(method !== 'POST' && tellAccounts(index)),
  }))
  forget(context, account, container)
  const { status, body } = response
  return { status, headers: { 'content-type': response.headers['content-type'] ?? 'text/html; charset=UTF-8' }, body }
}

async function requireAccount(deps: ProxyDeps, request: Request, account: string): Promise<void> {
  const found = await accountState(deps, request.context, account)
  if (!isSuccess(found)) refuse(404)
  if (!found.isReal) await createAccount(deps, request, account)
}

export async function containerRequest(
  deps: ProxyDeps,
  request: Request,
  account: string,
  container: string,
): Promise<Response> {
  if (request.method === 'PUT') checkName(container, deps)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  return isRead ? read(deps, request, account, container) : write(deps, request, account, container)
}
