import { AuthFailed, expected } from '../../errors.ts'
import { findRow } from '../../store/rows.ts'
import { isKnownSecret, rememberSecret } from '../../tokens/known-secrets.ts'
import { comparePassword, throttled } from '../../tokens/passwords.ts'
import { findUser, isUsable } from '../find.ts'
import type { AuthMethod, NamedInDomain } from '../method.ts'
import { Unauthorized } from '../../../../platform/errors.ts'

interface Input {
  id?: string
  name?: string
  secret?: string
  user?: NamedInDomain
}

/** An application credential by id, or by name and owner. Whatever owner the request names, it is the credential's. */
export const applicationCredential: AuthMethod = async (deps, input, { scope, peer }) => {
  const { id, name, secret, user: owner } = (input ?? {}) as Input
  if (typeof secret !== 'string') throw expected('secret', 'application_credential')
  if (scope !== undefined)
    throw new Unauthorized(
      'Error authenticating with application credential: Application credentials cannot request a scope.',
    )
  if (id === undefined && name === undefined) throw expected('name or ID', 'application credential')
  if (id === undefined && !owner) throw expected('user', 'application credential')
  const { db } = deps.database
  const named = id === undefined && owner ? await findUser(deps, owner) : undefined
  const credential =
    id !== undefined
      ? await findRow(db, 'application_credentials', { id })
      : named && (await findRow(db, 'application_credentials', { user_id: named.id, name: name! }))
  const hash = credential?.secret_hash ?? null
  const asker = { address: peer ?? '', user: credential?.user_id ?? named?.id ?? '' }
  const isRight =
    isKnownSecret(secret, hash) ||
    (await throttled(asker, () => comparePassword(secret, hash, deps.config.passwordHashRounds)))
  const user = credential && (await findRow(db, 'users', { id: credential.user_id }))
  const expiresAt = credential?.expires_at == null ? undefined : Number(credential.expires_at)
  const isOver = expiresAt !== undefined && expiresAt <= Date.now()
  if (!credential || !user || !isRight || isOver || !(await isUsable(deps, user))) throw new AuthFailed()
  rememberSecret(secret, credential.secret_hash)
  return {
    user,
    methods: ['application_credential'],
    ...(expiresAt !== undefined && { expiresAt }),
    applicationCredentialId: credential.id,
    fixedScope: { kind: 'project', projectId: credential.project_id },
  }
}
