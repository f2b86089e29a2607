import { Unauthorized } from '../../../../platform/errors.ts'
import { AuthFailed, expected } from '../../errors.ts'
import { findRow, type Row } from '../../store/rows.ts'
import { isKnownSecret } from '../../tokens/known-secrets.ts'
import { isLocked, isPasswordExpired, noteSuccess } from '../../users/compliance.ts'
import { requirePassword } from '../../users/require-password.ts'
import type { IdentityDeps } from '../../deps.ts'
import type { DomainDirectory } from '../../directories/domain-directory.ts'
import { directoryOf, findUser, isUsable } from '../find.ts'
import type { AuthMethod, NamedInDomain, Proof } from '../method.ts'

/**
 * User and password. Whether the user exists, is locked or disabled, or the password is wrong: the answer and the time
 * it takes are the same (CVE-2021-38155). Only who knew an expired password is told that it has expired.
 */
export const password: AuthMethod = async (deps, input, { peer }) => {
  const { user: named } = (input ?? {}) as { user?: NamedInDomain & { password?: string } }
  if (!named) throw expected('user', 'password')
  if (typeof named.password !== 'string') throw expected('password', 'user')
  const user = await findUser(deps, named)
  const directory = await directoryOf(deps, named, user)
  if (directory) return byDirectory(deps, directory, user, named.password)
  return proofOf(deps, await knowing(deps, user, named.password, peer, named.name))
}

/** Names of users who are not there may be of any length. */
const longestName = 64

/** The user, when this is his password: he is asked in his turn, unless he is a service whose secret was right before. */
function knowing(
  deps: IdentityDeps,
  user: Row<'users'> | undefined,
  password: string,
  peer: string | undefined,
  name = '',
): Promise<Row<'users'>> {
  if (user && isKnownSecret(password, user.password_hash)) return Promise.resolve(user)
  const asker = { address: peer ?? '', user: user?.id ?? name.slice(0, longestName) }
  return requirePassword(deps, user?.id, password, asker)
}

async function proofOf(deps: IdentityDeps, user: Row<'users'>): Promise<Proof> {
  // Hashing took long enough for the password to have been changed or the user to have been locked meanwhile.
  const now = await findRow(deps.database.db, 'users', { id: user.id })
  if (!now || now.password_hash !== user.password_hash || isLocked(deps.config, now)) throw new AuthFailed()
  if (!(await isUsable(deps, now))) throw new AuthFailed()
  if (isPasswordExpired(now))
    throw new Unauthorized(`The password is expired and needs to be changed for user: ${now.id}.`)
  await noteSuccess(deps, now)
  return { user: now, methods: ['password'] }
}

/** The directory knows the password, and its own rules for locking and expiry. */
async function byDirectory(
  deps: IdentityDeps,
  directory: DomainDirectory,
  user: Row<'users'> | undefined,
  password: string,
): Promise<Proof> {
  const isRight = await deps.residents.checkPassword(directory, user, password)
  if (!user || !isRight || !(await isUsable(deps, user))) throw new AuthFailed()
  await noteSuccess(deps, user)
  return { user, methods: ['password'] }
}
