/** OAuth 1.0a: a user lets a program (a consumer) act for him, with some of his roles on one project. */
import { randomBytes, randomInt } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Invalid, NotFound, Unauthorized } from '../../../platform/errors.ts'
import { constantTimeEqual } from '../../../platform/auth/secret.ts'
import type { IdentityDeps } from '../deps.ts'
import { IdentityNotFound } from '../errors.ts'
import {
  baseString,
  parseOAuthHeader,
  problemOf,
  signatureOf,
  timestampLifetime,
  type OAuthParams,
} from '../model/oauth1/signature.ts'
import { exchangeToken, type AccessToken, type Consumer, type RequestToken } from '../store/oauth1.ts'
import { effectiveRoles } from '../store/roles.ts'
import { findRow, insertRow, updateRow } from '../store/rows.ts'

/** A request as its signature covers it: always a POST. `path` is path and query. */
export interface SignedRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

const newKey = () => randomBytes(16).toString('hex')
const verifierCharacters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** The OAuth parameters of a request. Throws Invalid when there are none. */
export function oauthParamsOf({ headers }: SignedRequest): OAuthParams {
  const params = parseOAuthHeader(headers.authorization)
  if (!params) throw new Invalid('No Authorization headers found, cannot proceed with OAuth related calls.')
  return params
}

export function requireParam(params: OAuthParams, name: string): string {
  const value = params.get(name)
  if (!value) throw missing(name)
  return value
}

const missing = (name: string) =>
  new Invalid(
    `Expecting to find ${name} in request. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
  )

/**
 * Throws unless the holder of both secrets has signed this request, now and for the first time. The address is the
 * configured one or the one that the client says it used: it is part of what is signed, so a false one helps nobody.
 */
export function requireSignature(
  deps: Pick<IdentityDeps, 'baseUrl'>,
  request: SignedRequest,
  params: OAuthParams,
  secrets: { client: string; token: string },
  refusal = 'Invalid signature',
): void {
  const now = Math.floor(Date.now() / 1000)
  const problem = problemOf(params, now)
  if (problem !== undefined) throw invalidRequest(problem)
  const given = params.get('oauth_signature')!
  const host = request.headers.host
  const named = host !== undefined && /^[\w.:[\]-]+$/.test(host) ? [`http://${host}`, `https://${host}`] : []
  const isSigned = [deps.baseUrl, ...named].some((base) =>
    constantTimeEqual(signatureOf(params, baseString('POST', base + request.path, params), secrets), given),
  )
  if (!isSigned || !isFirst(params, now)) throw new Unauthorized(refusal)
}

const invalidRequest = (problem: string) =>
  new Invalid(`Validation failed with errors: invalid_request, detail message is: ${problem}.`)

/** Requests of the last minutes, so that none is taken twice; the oldest go when there are too many. */
const seen = new Map<string, number>()
const mostSeen = 50_000

function isFirst(params: OAuthParams, now: number): boolean {
  const key = ['oauth_consumer_key', 'oauth_token', 'oauth_timestamp', 'oauth_nonce']
    .map((name) => params.get(name) ?? '')
    .join(' ')
  for (const [old, end] of seen) {
    if (end > now && seen.size < mostSeen) break
    seen.delete(old)
  }
  if (seen.has(key)) return false
  seen.set(key, now + 2 * timestampLifetime)
  return true
}

/** A consumer asks for a token that a user may authorize for a project. */
export async function createRequestToken(
  deps: Pick<IdentityDeps, 'database' | 'config' | 'baseUrl'>,
  request: SignedRequest,
): Promise<RequestToken> {
  const { db } = deps.database
  const params = oauthParamsOf(request)
  const consumerId = requireParam(params, 'oauth_consumer_key')
  const projectId = request.headers['requested-project-id']
  if (typeof projectId !== 'string' || projectId === '') throw missing('Requested-Project-Id')
  if (!(await findRow(db, 'projects', { id: projectId }))) throw new IdentityNotFound('project', projectId)
  const consumer = await requireConsumer(deps, consumerId)
  if (!params.get('oauth_callback')) throw invalidRequest('Missing callback URI.')
  requireSignature(deps, request, params, { client: consumer.secret, token: '' })
  const seconds = deps.config.requestTokenDuration
  const row = {
    id: newKey(),
    secret: newKey(),
    consumer_id: consumer.id,
    requested_project_id: projectId,
    expires_at: seconds > 0 ? Date.now() + seconds * 1000 : null,
    verifier: null,
    authorizing_user_id: null,
    role_ids: null,
  }
  await insertRow(db, 'request_tokens', row)
  return row
}

export async function requireConsumer({ database }: Pick<IdentityDeps, 'database'>, id: string): Promise<Consumer> {
  const consumer = await findRow(database.db, 'consumers', { id })
  if (!consumer) throw new NotFound('Consumer not found')
  return consumer
}

async function requireRequestToken({ database }: Pick<IdentityDeps, 'database'>, id: string): Promise<RequestToken> {
  const row = await findRow(database.db, 'request_tokens', { id })
  if (!row) throw new NotFound('Request token not found')
  if (row.expires_at !== null && Number(row.expires_at) <= Date.now())
    throw new Unauthorized('Request token is expired')
  return row
}

export type RoleNamed = { id?: string; name?: string }

/** A user agrees: the consumer gets these of his roles, no others. Returns the verifier that he hands to it. */
export async function authorizeRequestToken(
  deps: Pick<IdentityDeps, 'database'>,
  id: string,
  userId: string,
  roles: readonly RoleNamed[],
): Promise<string> {
  const { db } = deps.database
  const request = await requireRequestToken(deps, id)
  const wanted = new Set<string>()
  for (const role of roles) wanted.add(role.id ?? (await roleIdOf(deps, role.name ?? '')))
  const held = new Set(
    (await effectiveRoles(db, userId, 'project', request.requested_project_id)).map((role) => role.id),
  )
  if (wanted.size === 0 || [...wanted].some((role) => !held.has(role))) {
    throw new Unauthorized('authorizing user does not have role required')
  }
  const verifier = Array.from({ length: 8 }, () => verifierCharacters[randomInt(verifierCharacters.length)]).join('')
  const agreed = { authorizing_user_id: userId, verifier, role_ids: JSON.stringify([...wanted]) }
  await updateRow(db, 'request_tokens', id, agreed)
  return verifier
}

async function roleIdOf({ database: { db } }: Pick<IdentityDeps, 'database'>, name: string): Promise<string> {
  const role = await findRow(db, 'roles', { name, domain_id: '' })
  if (!role) throw new IdentityNotFound('role', name)
  return role.id
}

/** The consumer shows that it has the user's verifier and gets the token that it can act with, once. */
export async function createAccessToken(
  deps: Pick<IdentityDeps, 'database' | 'config' | 'baseUrl'>,
  request: SignedRequest,
): Promise<AccessToken> {
  const params = oauthParamsOf(request)
  const consumerId = requireParam(params, 'oauth_consumer_key')
  const requestId = requireParam(params, 'oauth_token')
  const verifier = requireParam(params, 'oauth_verifier')
  const asked = await requireRequestToken(deps, requestId)
  const consumer = await findRow(deps.database.db, 'consumers', { id: consumerId })
  if (!consumer) throw new Unauthorized('Provided consumer does not exist.')
  if (asked.consumer_id !== consumer.id) {
    throw new Unauthorized('Provided consumer key does not match stored consumer key.')
  }
  requireSignature(deps, request, params, { client: consumer.secret, token: asked.secret })
  if (asked.authorizing_user_id === null || asked.verifier === null) {
    throw new Unauthorized('Request Token does not have an authorizing user id.')
  }
  if (!constantTimeEqual(asked.verifier, verifier)) {
    throw new Unauthorized('Provided verifier does not match stored verifier')
  }
  const seconds = deps.config.accessTokenDuration
  const row = {
    id: newKey(),
    secret: newKey(),
    consumer_id: consumer.id,
    authorizing_user_id: asked.authorizing_user_id,
    project_id: asked.requested_project_id,
    role_ids: asked.role_ids ?? '[]',
    expires_at: seconds > 0 ? Date.now() + seconds * 1000 : null,
  }
  const isMine = await deps.database.transaction((tx) => exchangeToken(tx, asked, row))
  if (!isMine) throw new NotFound('Request token not found')
  return row
}
