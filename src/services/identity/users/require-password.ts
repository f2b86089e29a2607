import type { Asker } from '../../../base/fair-queue.ts'
import type { IdentityDeps } from '../deps.ts'
import { AuthFailed } from '../errors.ts'
import { findRow, type Row } from '../store/rows.ts'
import { comparePassword, throttled } from '../tokens/passwords.ts'
import { isLocked, noteFailure } from './compliance.ts'

/**
 * The user with this id, whose password this is. Throws AuthFailed, with the same work for a user who is not there or is
 * locked, and notes a wrong password. While somebody waits for his turn others may fail for the same user, so he is looked up then:
 * of many guesses at once no more than the lock allows are looked at.
 */
export function requirePassword(
  deps: IdentityDeps,
  id: string | undefined,
  password: string,
  asker: Asker,
): Promise<Row<'users'>> {
  return throttled(asker, async () => {
    const user = id === undefined ? undefined : await findRow(deps.database.db, 'users', { id })
    const isOut = !user || isLocked(deps.config, user)
    const isRight = await comparePassword(password, isOut ? null : user.password_hash, deps.config.passwordHashRounds)
    if (isOut) throw new AuthFailed()
    if (isRight) return user
    await noteFailure(deps, user)
    throw new AuthFailed()
  })
}
