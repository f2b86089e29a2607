/** Makes application credentials: never more than the token that asks for one. */
import { randomBytes } from 'node:crypto'
import { lockOwner } from '../../../platform/db/owner-lock.ts'
import { Invalid, Forbidden, Unauthorized } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { IdentityConflict, IdentityNotFound } from '../errors.ts'
import { countApplicationCredentials, nextAccessRulePosition } from '../store/application-credentials.ts'
import { findRow, insertRow, type IdentityDb, type Row } from '../store/rows.ts'
import { withImplied } from '../store/roles.ts'
import type { ValidToken } from '../tokens/evaluate.ts'
import { hashPassword } from '../tokens/passwords.ts'

export interface WantedRule {
  id?: string
  service?: string
  method?: string
  path?: string
}

export interface WantedCredential {
  name: string
  description: string | null
  secret: string | null
  /** Milliseconds. */
  expiresAt: number | null
  /** Microseconds of `expiresAt` beyond its milliseconds. */
  expiresMicros: number
  roles?: readonly { id?: string; name?: string }[]
  unrestricted: boolean
  /** Absent: no limit; empty: no request at all. */
  accessRules?: readonly WantedRule[]
}

const newId = () => crypto.randomUUID().replaceAll('-', '')

/** Creates the credential of the bearer on the token's project. Returns it with the secret, which is kept nowhere. */
export async function createApplicationCredential(
  deps: IdentityDeps,
  bearer: ValidToken,
  wanted: WantedCredential,
): Promise<{ row: Row<'application_credentials'>; secret: string }> {
  const { database, config } = deps
  if (!bearer.project) throw new Invalid('An application credential needs a project-scoped token.')
  const maker = bearer.applicationCredential
  const secret = wanted.secret || randomBytes(64).toString('base64url')
  const accessRules = accessRulesFor(bearer, wanted.accessRules)
  const row = {
    id: newId(),
    name: wanted.name,
    user_id: bearer.user.id,
    project_id: bearer.project.id,
    secret_hash: await hashPassword(secret, config.passwordHashRounds),
    description: wanted.description,
    ...endFor(maker, wanted),
    unrestricted: wanted.unrestricted ? 1 : 0,
    roles: JSON.stringify(await rolesFor(database.db, bearer, wanted.roles)),
    is_limited: accessRules === undefined ? 0 : 1,
    parent_id: maker?.id ?? null,
  }
  await database.transaction(async (tx) => {
    await lockOwner(database, tx, row.user_id)
    // The maker may have ended while the secret was hashed: what came after its end would stay.
    if (maker && !(await findRow(tx, 'application_credentials', { id: maker.id }))) throw new Unauthorized()
    await requireRoom(tx, row.user_id, config.applicationCredentialLimit)
    if (!(await insertRow(tx, 'application_credentials', row)))
      throw new IdentityConflict('application_credential', `Duplicate entry found with name ${row.name}`)
    for (const [position, rule] of (accessRules ?? []).entries()) {
      const access_rule_id = await accessRuleFor(tx, row.user_id, rule)
      const link = { application_credential_id: row.id, access_rule_id, position }
      await insertRow(tx, 'application_credential_access_rules', link)
    }
  })
  return { row, secret }
}

const refused = (reason: string) => new Invalid(`Invalid application credential: ${reason}`)

/** What an application credential makes ends with it at the latest, and when it ends if no time is named. */
function endFor(maker: Row<'application_credentials'> | null, { expiresAt, expiresMicros }: WantedCredential) {
  const wanted = { expires_at: expiresAt, expires_micros: expiresMicros }
  if (!maker || maker.expires_at === null) return wanted
  const end = { expires_at: Number(maker.expires_at), expires_micros: maker.expires_micros }
  if (expiresAt === null) return end
  const isLater = expiresAt > end.expires_at || (expiresAt === end.expires_at && expiresMicros > end.expires_micros)
  if (isLater) throw refused('expires_at is later than that of the application credential in use')
  return wanted
}

/** What an application credential makes is for the same requests or fewer. */
function accessRulesFor(
  { accessRules: own }: ValidToken,
  wanted: WantedCredential['accessRules'],
): readonly WantedRule[] | undefined {
  if (own === null) return wanted
  if (wanted === undefined) return own
  const isOwn = (rule: WantedRule) =>
    own.some((each) =>
      rule.id === undefined
        ? each.service === rule.service && each.method === rule.method && each.path === rule.path
        : each.id === rule.id,
    )
  if (!wanted.every(isOwn)) throw refused('access_rules has one that the application credential in use has not')
  return wanted
}

/** Throws Forbidden beyond `[application_credential] user_limit`. */
async function requireRoom(tx: IdentityDb, userId: string, limit: number) {
  if (limit < 0) return
  if ((await countApplicationCredentials(tx, userId)) >= limit)
    throw new Forbidden(
      `Unable to create additional application credentials, maximum of ${limit} already exceeded for user.`,
    )
}

/** The roles asked for with what they imply; all of the token's when none are named. None that the token has not. */
async function rolesFor(db: IdentityDb, bearer: ValidToken, wanted: WantedCredential['roles']): Promise<string[]> {
  const held = bearer.roles
  if (!wanted || wanted.length === 0) return held.map((role) => role.id)
  const chosen: string[] = []
  for (const each of wanted) {
    const row = await findRow(
      db,
      'roles',
      each.id === undefined ? { name: each.name!, domain_id: '' } : { id: each.id },
    )
    if (!row) throw new IdentityNotFound('role', each.id ?? each.name!)
    chosen.push(row.id)
  }
  const all = [...(await withImplied(db, new Set(chosen)))]
  if (!all.every((id) => held.some((role) => role.id === id)))
    throw refused('Cannot create an application credential with unassigned role')
  return all
}

/** A rule of the user by id, or one that says the same, or a new one. */
async function accessRuleFor(
  tx: IdentityDb,
  userId: string,
  { id, service, method, path }: WantedRule,
): Promise<string> {
  if (id !== undefined) {
    const known = await findRow(tx, 'access_rules', { id, user_id: userId })
    if (!known) throw new IdentityNotFound('Access Rule', id)
    return known.id
  }
  if (service === undefined || method === undefined || path === undefined)
    throw new Invalid('An access rule needs service, method and path, or the id of an existing one.')
  const same = await findRow(tx, 'access_rules', { user_id: userId, service, method, path })
  if (same) return same.id
  const position = await nextAccessRulePosition(tx, userId)
  const row = { id: newId(), user_id: userId, service, method, path, position }
  await insertRow(tx, 'access_rules', row)
  return row.id
}
