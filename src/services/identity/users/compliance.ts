/** The rules of `[security_compliance]`: inactivity, lockout, expiry, history, age and form of passwords. */
import { Invalid, Forbidden } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { findRow, insertRow, updateRow, type IdentityDb, type Row } from '../store/rows.ts'
import { earlierPasswords, forgetPasswordsBefore, noteFailedLogin } from '../store/users.ts'
import { checkPassword, hashPassword } from '../tokens/passwords.ts'
import { optionsOf, type UserOptions } from './options.ts'

type Config = IdentityDeps['config']
type User = Row<'users'>

const dayMs = 86_400_000
const dayOf = (ms: number) => Math.floor(ms / dayMs)

/** False for a disabled user and for one who has not logged in for `disable_user_account_days_inactive` days. */
export function isActive(config: Config, user: User, now = Date.now()): boolean {
  if (user.enabled === 0) return false
  if (config.inactiveDays === 0 || optionsOf(user).ignore_user_inactivity === true) return true
  return dayOf(now) - dayOf(Number(user.last_active_at ?? user.created_at)) < config.inactiveDays
}

/** True while failed logins keep the user out. */
export function isLocked(config: Config, user: User, now = Date.now()): boolean {
  if (config.lockoutAttempts === 0 || user.failed_auth_count < config.lockoutAttempts) return false
  if (optionsOf(user).ignore_lockout_failure_attempts === true) return false
  return config.lockoutDuration === 0 || Number(user.failed_auth_at) + config.lockoutDuration * 1000 > now
}

/** A lock that is over starts the count anew, a lasting one does not grow. */
export async function noteFailure({ database, config }: IdentityDeps, user: User): Promise<void> {
  if (config.lockoutAttempts === 0) return
  const now = Date.now()
  const isOver = user.failed_auth_count >= config.lockoutAttempts && !isLocked(config, user, now)
  await noteFailedLogin(database.db, user.id, now, isOver)
}

/** Forgets failures and notes the day; writes only what is not so already. */
export async function noteSuccess({ database, config }: IdentityDeps, user: User): Promise<void> {
  const now = Date.now()
  const isNewDay = config.inactiveDays > 0 && dayOf(Number(user.last_active_at ?? 0)) !== dayOf(now)
  if (user.failed_auth_count === 0 && !isNewDay) return
  const changes = { failed_auth_count: 0, failed_auth_at: null, ...(isNewDay && { last_active_at: now }) }
  await updateRow(database.db, 'users', user.id, changes)
}

export const isPasswordExpired = (user: User, now = Date.now()): boolean =>
  user.password_expires_at !== null &&
  Number(user.password_expires_at) <= now &&
  optionsOf(user).ignore_password_expiry !== true

/** Refuses a password that is too long or has not the form that the operator asks for. */
export function requireForm(config: Config, password: string): void {
  if (password.length > config.maxPasswordLength)
    throw new Forbidden(
      `The password length must be less than or equal to ${config.maxPasswordLength}. The server could not comply with the request because the password is invalid.`,
    )
  if (config.passwordRegex === '' || patternOf(config.passwordRegex).test(password)) return
  throw new Invalid(
    `Password validation error: The password does not match the requirements: ${config.passwordRegexDescription}.`,
  )
}

// As Python's re.match: from the beginning, not necessarily to the end.
const patternOf = (text: string) => new RegExp(`^(?:${text})`, 'u')

/** The columns of a new password; what it was goes into the history. */
export async function passwordColumns(
  { config }: IdentityDeps,
  password: string | null,
  by: 'administrator' | 'user',
  options: UserOptions,
) {
  const now = Date.now()
  if (password === null) return { password_hash: null, password_expires_at: null, password_created_at: now }
  requireForm(config, password)
  const mustChange =
    by === 'administrator' && config.changeOnFirstUse && options.ignore_change_password_upon_first_use !== true
  const expires = config.passwordExpiresDays > 0 && options.ignore_password_expiry !== true
  const expiresAt = mustChange
    ? now
    : expires
      ? Math.floor((now + config.passwordExpiresDays * dayMs) / 1000) * 1000
      : null
  return {
    password_hash: await hashPassword(password, config.passwordHashRounds),
    password_expires_at: expiresAt,
    password_created_at: now,
    password_self_service: by === 'user' ? 1 : 0,
  }
}

/** Keeps the password that is replaced, as many as the rule looks at. */
export async function keepInHistory(tx: IdentityDb, config: Config, user: User): Promise<void> {
  if (config.uniquePasswords === 0 || user.password_hash === null) return
  const created_at = Number(user.password_created_at ?? user.created_at)
  const key = { user_id: user.id, created_at }
  if (!(await findRow(tx, 'password_history', key)))
    await insertRow(tx, 'password_history', { ...key, password_hash: user.password_hash })
  const kept = await earlierPasswords(tx, user.id)
  const oldest = kept[config.uniquePasswords - 1]
  if (oldest !== undefined) await forgetPasswordsBefore(tx, oldest)
}

/** The rules for a user who changes his own password. Throws Invalid with the rule that stands against it. */
export async function requireChangeAllowed(
  { database, config }: IdentityDeps,
  user: User,
  password: string,
): Promise<void> {
  if (optionsOf(user).lock_password === true)
    throw new Invalid(
      'You cannot change your password at this time due to password policy disallowing password changes. Please contact your administrator to reset your password.',
    )
  const mayFrom = Number(user.password_created_at ?? 0) + config.minimumPasswordAge * dayMs
  if (user.password_self_service === 1 && Date.now() < mayFrom) {
    const days = Math.floor((mayFrom - Date.now()) / dayMs)
    throw new Invalid(
      `You cannot change your password at this time due to the minimum password age. Once you change your password, it must be used for ${config.minimumPasswordAge} day(s) before it can be changed. Please try again in ${days} day(s) or contact your administrator to reset your password.`,
    )
  }
  requireForm(config, password)
  if (config.uniquePasswords === 0) return
  const earlier = (await earlierPasswords(database.db, user.id)).map((row) => row.password_hash)
  const hashes = [user.password_hash, ...earlier].slice(0, config.uniquePasswords)
  for (const hash of hashes) {
    if (hash !== null && (await checkPassword(password, hash, config.passwordHashRounds)))
      throw new Invalid(
        `The new password cannot be identical to a previous password. The total number which includes the new password must be unique is ${config.uniquePasswords}.`,
      )
  }
}
