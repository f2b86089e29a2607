/** OAuth 2.0 client credentials: an application credential, or a certificate that a proxy has checked. */
import { createHash, X509Certificate } from 'node:crypto'
import { ServiceError, isOurFault, Unauthorized, type ErrorKind } from '../../../platform/errors.ts'
import { authenticate, issueToken, type Outcome } from '../auth/authenticate.ts'
import { isUsable } from '../auth/find.ts'
import type { IdentityDeps } from '../deps.ts'
import type { UserRule } from '../model/mapping/types.ts'
import { findRow, type Row } from '../store/rows.ts'
import { mapAssertion } from './federated-login.ts'

/** A refusal in the words of RFC 6749; `detail` is for the log. */
export class OAuth2Error extends ServiceError {
  readonly error: string

  constructor(kind: ErrorKind, error: string, description: string, detail?: string) {
    super(kind, description, { detail })
    this.error = error
  }
}

const refused = (detail: string) =>
  new OAuth2Error('unauthenticated', 'invalid_client', 'Client authentication failed.', detail)

export interface Client {
  id: string | undefined
  secret: string | undefined
  /** PEM, from a trusted proxy. */
  certificate: string | undefined
  /** Address at the other end of the connection. */
  peer: string | undefined
}

/** A token for a client. Throws OAuth2Error. */
export async function issueClientToken(deps: IdentityDeps, client: Client): Promise<Outcome & { kind: 'token' }> {
  const allowed = deps.config.oauth2Methods
  if (!client.id) throw refused('the request names no client')
  if (client.certificate !== undefined) {
    if (!allowed.includes('tls_client_auth')) throw refused('tls_client_auth is not allowed')
    return byCertificate(deps, client.id, client.certificate)
  }
  if (!client.secret || !allowed.includes('client_secret_basic')) throw refused('no credentials that are allowed')
  return bySecret(deps, client.id, client.secret, client.peer)
}

async function bySecret(deps: IdentityDeps, id: string, secret: string, peer: string | undefined) {
  const identity = { methods: ['application_credential'], application_credential: { id, secret } }
  try {
    const outcome = await authenticate(deps, { identity }, { headers: {}, path: '', peer })
    if (outcome.kind === 'token') return outcome
  } catch (error) {
    if (!(error instanceof ServiceError) || isOurFault(error)) throw error
    if (error.kind === 'invalid') throw new OAuth2Error('invalid', 'invalid_request', error.message)
    if (error.kind !== 'unauthenticated')
      throw new OAuth2Error(
        error.kind,
        'other_error',
        'An unknown error occurred and failed to get an OAuth2.0 access token.',
        error.message,
      )
  }
  throw new OAuth2Error('unauthenticated', 'invalid_client', 'The request you have made requires authentication.')
}

/**
 * The client is a user, and his certificate must say so by the mapping of `[oauth2] oauth2_cert_dn_mapping_id`. The
 * token is for his default project and bound to the certificate.
 */
async function byCertificate(deps: IdentityDeps, userId: string, pem: string) {
  const { db } = deps.database
  const certificate = readCertificate(pem)
  const mapping = await findRow(db, 'mappings', { id: deps.config.oauth2MappingId })
  if (!mapping) throw refused(`there is no mapping ${deps.config.oauth2MappingId}`)
  const user = await findRow(db, 'users', { id: userId })
  if (!user || !(await isUsable(deps, user))) throw refused(`the user ${userId} cannot be used`)
  const domain = await findRow(db, 'projects', { id: user.domain_id })
  const names = namesIn(certificate)
  requireOwner(mapUser(mapping, names), user, domain)
  if (user.default_project_id === null) throw refused(`the user ${userId} has no default project`)
  try {
    return await issueToken(
      deps,
      { user, methods: ['oauth2_credential'], thumbprint: thumbprintOf(certificate) },
      { scope: { kind: 'project', projectId: user.default_project_id } },
    )
  } catch (error) {
    if (error instanceof Unauthorized) throw refused('the user has no role on his default project')
    throw error
  }
}

function readCertificate(pem: string): X509Certificate {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pem)
  } catch {
    throw refused('the certificate is malformed')
  }
  const now = Date.now()
  if (Date.parse(certificate.validFrom) > now || Date.parse(certificate.validTo) < now)
    throw refused('the certificate is not valid now')
  return certificate
}

function mapUser(mapping: Row<'mappings'>, names: ReadonlyMap<string, string>): UserRule {
  try {
    return mapAssertion(mapping, { attribute: (name) => names.get(name) }).user
  } catch (error) {
    if (error instanceof Unauthorized) throw refused(error.detail ?? error.message)
    throw error
  }
}

/** All that the mapping says must be true of the user, and it must say who he is. */
function requireOwner({ id, name, email, domain: named }: UserRule, user: Row<'users'>, domain?: Row<'projects'>) {
  const own = JSON.parse(user.extra) as { email?: unknown }
  const pairs: [string, string | undefined, unknown][] = [
    ['id', id, user.id],
    ['name', name, user.name],
    ['email', email, own.email],
    ['domain id', named?.id, user.domain_id],
    ['domain name', named?.name, domain?.name],
  ]
  if (!id && !name && !email) throw refused('the mapping says nothing of the user: any certificate would do')
  for (const [what, wanted, actual] of pairs)
    if (wanted && wanted !== actual) throw refused(`the ${what} in the certificate is not the user's`)
}

/** `SSL_CLIENT_SUBJECT_DN_CN` and its like, as mappings for certificates name them. */
function namesIn(certificate: X509Certificate): Map<string, string> {
  const legacy = certificate.toLegacyObject() as Record<'subject' | 'issuer', Record<string, string | string[]>>
  const names = new Map<string, string>()
  for (const whose of ['subject', 'issuer'] as const)
    for (const [name, value] of Object.entries(legacy[whose] ?? {}))
      names.set(`SSL_CLIENT_${whose.toUpperCase()}_DN_${name.toUpperCase()}`, [value].flat().at(-1) ?? '')
  return names
}

/** As keystonemiddleware computes it: over the PEM text, with its padding. */
const thumbprintOf = (certificate: X509Certificate): string =>
  createHash('sha256').update(certificate.toString()).digest('base64').replaceAll('+', '-').replaceAll('/', '_')
