/** Requests for accounts. */
import { now } from '../model/timestamp.ts'
import { answer, refuse } from '../wire/answers.ts'
import type { Request, Response } from '../wire/message.ts'
import { checkMetadata, givenTime } from './constraints.ts'
import type { ProxyDeps } from './deps.ts'
import { metadataHeaders, readHeadersOf, shown, withoutOwners } from './headers.ts'
import { accountPlace, forget } from './info.ts'
import { readFrom, tellAll } from './nodes.ts'

function checkName(account: string, { limits }: ProxyDeps) {
  const length = Buffer.byteLength(account)
  if (length > limits.maxAccountNameLength)
    refuse(400, `Account name length of ${length} longer than ${limits.maxAccountNameLength}`)
}

/** Makes an account that is there from the first thing in it. */
export async function createAccount(deps: ProxyDeps, request: Request, account: string): Promise<void> {
  const headers = { 'x-timestamp': now(), 'x-trans-id': request.context.transactionId }
  const sysmeta = Object.entries(request.headers).filter(([name]) => name.startsWith('x-account-sysmeta-'))
  const own = { ...Object.fromEntries(sysmeta), ...headers }
  const { status } = await tellAll(deps, accountPlace(deps, account), 'PUT', () => own)
  forget(request.context, account)
  if (status >= 300) deps.log.warn({ account, status }, 'an account could not be made')
}

async function read(deps: ProxyDeps, request: Request, account: string): Promise<Response> {
  const query = new Map([...request.query, ['format', 'json']])
  const response = await readFrom(deps, accountPlace(deps, account), {
    method: request.method,
    headers: readHeadersOf(request),
    query,
  })
  if (response.status === 404) {
    if (response.headers['x-account-status'] === 'Deleted') return { ...response, status: 410 }
    if (deps.accountAutocreate) return emptyAccount(request)
  }
  const headers = shown(response.headers)
  return { ...response, headers: request.context.isOwner ? headers : withoutOwners(headers) }
}

/** What an account looks like before there is anything in it. */
function emptyAccount({ method }: Request): Response {
  const time = now()
  const headers = {
    'x-account-container-count': '0',
    'x-account-object-count': '0',
    'x-account-bytes-used': '0',
    'x-timestamp': time,
    'content-type': 'application/json; charset=utf-8',
    'x-backend-fake-account-listing': 'yes',
  }
  return method === 'HEAD' ? { status: 204, headers } : { status: 200, headers, body: '[]' }
}

async function write(deps: ProxyDeps, request: Request, account: string): Promise<Response> {
  const { method, context } = request
  if (method !== 'POST' && !deps.allowAccountManagement)
    return answer(405, undefined, { allow: 'GET, HEAD, OPTIONS, POST' })
  if (method === 'DELETE' && request.query.size > 0) return answer(400)
  checkMetadata(request.headers, 'account', deps.limits)
  const headers = metadataHeaders(request, 'account', givenTime(request) ?? now())
  const tell = () => tellAll(deps, accountPlace(deps, account), method, () => headers)
  forget(context, account)
  const response = await tell()
  if (response.status !== 404 || method !== 'POST' || !deps.accountAutocreate) return response
  await createAccount(deps, request, account)
  return tell()
}

export async function accountRequest(deps: ProxyDeps, request: Request, account: string): Promise<Response> {
  checkName(account, deps)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  return isRead ? read(deps, request, account) : write(deps, request, account)
}
