/**
 * Validates tokens by asking keystone over its API, as keystonemiddleware does: what keystone said is kept for a while, so
 * that a token costs one question in that time, and one that was revoked is taken for good until it is over
 * (`[keystone_authtoken] token_cache_time`).
 */
import { createHash } from 'node:crypto'
import type { ClientResponse, Transport } from './client.ts'
import { Unavailable } from '../errors.ts'
import type { Authenticator } from './service.ts'
import type { AccessRule } from '../auth/access-rules.ts'
import type { Credentials } from '../auth/credentials.ts'
import { Secret } from '../auth/secret.ts'

export interface KeystoneOptions {
  identity: Transport
  /** A token that may validate those of others; `forget` is told that keystone does not take it any more. */
  account: { token(): Promise<string>; forget(): void }
  /** Seconds that an answer is kept; 0 or less for not at all. */
  cacheS: number
  serviceTokens?: Authenticator['serviceTokens']
  now?: () => number
}

const keptAtMost = 10_000

interface Answer {
  until: number
  credentials: Promise<Credentials | null>
}

/** Asks keystone about tokens. `validate` throws Unavailable while keystone does not answer. */
export function keystoneAuthenticator({
  identity,
  account,
  cacheS,
  serviceTokens,
  now = Date.now,
}: KeystoneOptions): Authenticator {
  const kept = new Map<string, Answer>()
  return {
    ...(serviceTokens && { serviceTokens }),
    validate(token, { allowExpired = false } = {}) {
      const key = createHash('sha256').update(token).digest('base64') + (allowExpired ? '+' : '')
      const known = kept.get(key)
      if (known && known.until > now()) return known.credentials
      const credentials = ask(identity, account, token, allowExpired)
      kept.delete(key)
      if (kept.size >= keptAtMost) kept.delete(kept.keys().next().value!)
      const answer: Answer = { until: now() + cacheS * 1000, credentials }
      kept.set(key, answer)
      credentials.then(
        (found) => {
          if (found && !allowExpired) answer.until = Math.min(answer.until, Date.parse(found.expiresAt))
        },
        () => kept.delete(key),
      )
      return credentials
    },
  }
}

async function ask(
  identity: Transport,
  account: KeystoneOptions['account'],
  token: string,
  allowExpired: boolean,
): Promise<Credentials | null> {
  const question = async (): Promise<ClientResponse> => {
    const headers = {
      'X-Auth-Token': await account.token(),
      'X-Subject-Token': token,
      // This side holds requests to the rules of application credentials.
      'OpenStack-Identity-Access-Rules': '1.0',
    }
    const path = `/v3/auth/tokens?nocatalog${allowExpired ? '&allow_expired=1' : ''}`
    return identity.send({ method: 'GET', path, headers })
  }
  let answer = await question()
  if (answer.status === 401) {
    account.forget()
    answer = await question()
  }
  if (answer.status === 404) return null
  if (answer.status !== 200) throw new Unavailable('Keystone does not tell whether the token is valid.')
  return credentialsOf(token, (answer.body as { token: KeystoneToken }).token)
}

interface Named {
  id: string
  name: string
}

/** What keystone says of a token. */
interface KeystoneToken {
  user: Named & { domain: Named }
  project?: Named & { domain: Named }
  domain?: Named
  system?: { all?: boolean }
  roles?: Named[]
  expires_at: string
  audit_ids: string[]
  application_credential?: { id: string; access_rules?: AccessRule[] }
}

const credentialsOf = (text: string, token: KeystoneToken): Credentials => ({
  userId: token.user.id,
  userName: token.user.name,
  userDomainId: token.user.domain.id,
  projectId: token.project?.id ?? null,
  projectName: token.project?.name ?? null,
  projectDomainId: token.project?.domain.id ?? null,
  domainId: token.domain?.id ?? null,
  systemScope: token.system?.all ? 'all' : null,
  roles: (token.roles ?? []).map(({ name }) => name),
  expiresAt: token.expires_at,
  token: new Secret(text),
  applicationCredentialId: token.application_credential?.id ?? null,
  accessRules: token.application_credential?.access_rules ?? null,
  auditId: token.audit_ids[0] ?? '',
})
