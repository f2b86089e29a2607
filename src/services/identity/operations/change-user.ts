/** What an administrator changes of a user, and the user's own change of his password. */
import { lockOwner } from '../../../platform/db/owner-lock.ts'
import { Unauthorized } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import type { DomainDirectory } from '../directories/domain-directory.ts'
import { AuthFailed } from '../errors.ts'
import { isUsable } from '../auth/find.ts'
import { findRow, updateRow, type IdentityDb, type Row } from '../store/rows.ts'
import { keepInHistory, passwordColumns, requireChangeAllowed } from '../users/compliance.ts'
import { requirePassword } from '../users/require-password.ts'
import { mergeOptions, optionsOf } from '../users/options.ts'
import { deleteApplicationCredentialsOf } from '../store/application-credentials.ts'
import { noteRevocation } from './revoke.ts'

export interface UserChanges {
  name?: string
  enabled?: boolean
  default_project_id?: string | null
  options?: object
  password?: string | null
  extra: string
}

/** Applies an administrator's changes, with `also` in the same transaction; a new password and disabling end the user's tokens. False when the user is gone; rejects as `updateRow` when the name is another's: then nothing has changed. */
export async function changeUser(
  deps: IdentityDeps,
  user: Row<'users'>,
  changes: UserChanges,
  also: (tx: IdentityDb) => Promise<void> = () => Promise.resolve(),
): Promise<boolean> {
  const options = mergeOptions(user.options, changes.options)
  const password =
    changes.password === undefined
      ? undefined
      : await passwordColumns(deps, changes.password, 'administrator', optionsOf({ options }))
  const isDisabled = changes.enabled === false && user.enabled === 1
  const endsTokens = isDisabled || password !== undefined
  return deps.database.transaction(async (tx) => {
    if (password) await keepInHistory(tx, deps.config, user)
    if (isDisabled) await deleteApplicationCredentialsOf(tx, { user_id: [user.id] })
    if (endsTokens) await noteRevocation(tx, { user_id: user.id })
    const isThere = await updateRow(tx, 'users', user.id, {
      ...(changes.name !== undefined && { name: changes.name }),
      ...(changes.default_project_id !== undefined && { default_project_id: changes.default_project_id }),
      ...(changes.enabled !== undefined && { enabled: changes.enabled ? 1 : 0 }),
      // Enabling a user also forgives: failures are forgotten and his absence begins anew.
      ...(changes.enabled === true && { last_active_at: Date.now(), failed_auth_count: 0, failed_auth_at: null }),
      ...password,
      ...(endsTokens && { tokens_valid_after: Date.now() }),
      options,
      extra: changes.extra,
    })
    if (isThere) await also(tx)
    return isThere
  })
}

/** Passwords of a directory are changed there; only who knows his is told so. */
async function refuseInDirectory(deps: IdentityDeps, directory: DomainDirectory, user: Row<'users'>, password: string) {
  if (!(await deps.residents.checkPassword(directory, user, password))) throw new AuthFailed()
  await deps.residents.requireWritable(user.domain_id)
}

/** A user's own change; an expired password may be changed, and every token ends. Throws AuthFailed for a wrong one. */
export async function changeOwnPassword(
  deps: IdentityDeps,
  userId: string,
  original: string,
  password: string,
  peer: string | undefined,
): Promise<void> {
  const { database, config } = deps
  const known = await findRow(database.db, 'users', { id: userId })
  const directory = known && (await deps.directories.of(known.domain_id))
  if (directory) return refuseInDirectory(deps, directory, known, original)
  const user = await requirePassword(deps, userId, original, { address: peer ?? '', user: userId })
  if (!(await isUsable(deps, user))) throw new AuthFailed()
  await requireChangeAllowed(deps, user, password)
  const columns = await passwordColumns(deps, password, 'user', optionsOf(user))
  await database.transaction(async (tx) => {
    await lockOwner(database, tx, user.id)
    const now = await findRow(tx, 'users', { id: user.id })
    // Two changes at once: the second knew only the password that is gone.
    if (now?.password_hash !== user.password_hash) throw new Unauthorized()
    await keepInHistory(tx, config, user)
    await noteRevocation(tx, { user_id: user.id })
    await updateRow(tx, 'users', user.id, {
      ...columns,
      tokens_valid_after: Date.now(),
      failed_auth_count: 0,
      failed_auth_at: null,
    })
  })
}
