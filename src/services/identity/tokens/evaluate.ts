/** What a token stands for at this moment: its user, scope and roles, or nothing when any of them has ended. */
import { accessRulesOfEach } from '../store/application-credentials.ts'
import { isRevoked } from '../store/revocations.ts'
import { findRow, listRows, type IdentityDb, type Row } from '../store/rows.ts'
import { groupIdsOf, rolesOfActors, withImplied, type RoleRef } from '../store/roles.ts'
import type { Register } from './register.ts'
import type { Opened } from './format.ts'
import type { TokenPayload } from './payload.ts'

/** The bearer may use one of these requests only; none when the list is empty. */
export interface AccessRule {
  id: string
  service: string
  method: string
  path: string
}

/** A token with everything that it stands for. */
export interface ValidToken {
  payload: TokenPayload
  /** Milliseconds, whole seconds. */
  issuedAt: number
  /** Whom it acts as: the trustor where a trust impersonates him, else the user who authenticated. */
  user: Row<'users'>
  userDomain: Row<'projects'>
  project: Row<'projects'> | null
  projectDomain: Row<'projects'> | null
  domain: Row<'projects'> | null
  roles: RoleRef[]
  trust: Row<'trusts'> | null
  applicationCredential: Row<'application_credentials'> | null
  /** Of OAuth 1. */
  accessToken: Row<'access_tokens'> | null
  /** Null: no restriction. */
  accessRules: readonly AccessRule[] | null
}

/** Roles that a delegation leaves of what its owner has; null when the delegation is over. */
type Delegated = Pick<ValidToken, 'roles' | 'trust' | 'applicationCredential' | 'accessToken' | 'accessRules'>

const undelegated = { trust: null, applicationCredential: null, accessToken: null, accessRules: null }

/** Evaluates an opened token. Its own expiry is the caller's to judge. */
export async function evaluate(register: Register, { payload, seconds }: Opened): Promise<ValidToken | undefined> {
  const { db } = register
  if (await isRevoked(db, payload.auditIds)) return undefined
  if (payload.federation && !(await isVouchedFor(db, payload.federation.identityProviderId))) return undefined
  const bearer = await usable(register, payload.userId, seconds)
  if (!bearer) return undefined
  const issuedAt = seconds * 1000
  const start = { payload, issuedAt, ...bearer, project: null, projectDomain: null, domain: null }
  const { scope } = payload
  if (scope.kind === 'unscoped') return { ...start, ...undelegated, roles: [] }
  if (scope.kind === 'system') return withRoles(start, await rolesOn(register, payload, 'system', 'all'))
  const target = await enabledProject(register, scope.kind === 'project' ? scope.projectId : scope.domainId, seconds)
  if (!target) return undefined
  if (scope.kind === 'domain') {
    if (target.is_domain !== 1) return undefined
    return withRoles({ ...start, domain: target }, await rolesOn(register, payload, 'domain', target.id))
  }
  const projectDomain = target.domain_id === '' ? target : await enabledProject(register, target.domain_id, seconds)
  if (!projectDomain) return undefined
  const onProject = { ...start, project: target, projectDomain }
  if (payload.trustId !== undefined) return byTrust(register, onProject, payload.trustId, seconds)
  const held = await rolesOn(register, payload, 'project', target.id)
  if (payload.applicationCredentialId !== undefined)
    return complete(onProject, await byApplicationCredential(db, payload.applicationCredentialId, onProject, held))
  if (payload.accessTokenId !== undefined)
    return complete(onProject, await byAccessToken(db, payload.accessTokenId, onProject, held))
  return withRoles(onProject, held)
}

type Start = Omit<ValidToken, keyof Delegated>

const withRoles = (start: Start, roles: RoleRef[]): ValidToken | undefined => complete(start, { ...undelegated, roles })
const complete = (start: Start, delegated: Delegated | undefined): ValidToken | undefined =>
  delegated && delegated.roles.length > 0 ? { ...start, ...delegated } : undefined

/** Tokens of an identity provider end when it is disabled or deleted. */
async function isVouchedFor(db: IdentityDb, identityProviderId: string): Promise<boolean> {
  return (await findRow(db, 'identity_providers', { id: identityProviderId }))?.enabled === 1
}

/** A user who may act, with his domain. Fernet knows whole seconds: a token of the second of a change ends with it. */
async function usable(register: Register, userId: string, seconds: number) {
  const user = await register.user(userId)
  if (!user || user.enabled === 0 || seconds <= Math.floor(Number(user.tokens_valid_after) / 1000)) return undefined
  const userDomain = await enabledProject(register, user.domain_id, seconds)
  return userDomain && { user, userDomain }
}

async function enabledProject(register: Register, id: string, seconds: number): Promise<Row<'projects'> | undefined> {
  const row = await register.project(id)
  return row && row.enabled === 1 && seconds > Math.floor(Number(row.tokens_valid_after) / 1000) ? row : undefined
}

/** A federated user has his own roles and those of the groups that his identity provider named. */
async function rolesOn(
  register: Register,
  { userId, federation }: TokenPayload,
  type: 'project' | 'domain' | 'system',
  targetId: string,
): Promise<RoleRef[]> {
  if (!federation || federation.groupIds.length === 0) return register.roles(userId, type, targetId)
  const { db } = register
  return rolesOfActors(db, [userId, ...(await groupIdsOf(db, userId)), ...federation.groupIds], type, targetId)
}

/** The roles of an application credential that its owner still has; it dies with any that is gone. */
async function byApplicationCredential(
  db: IdentityDb,
  id: string,
  { user, project }: Start,
  held: readonly RoleRef[],
): Promise<Delegated | undefined> {
  const credential = await findRow(db, 'application_credentials', { id, user_id: user.id })
  if (!credential || credential.project_id !== project?.id) return undefined
  if (credential.expires_at !== null && Number(credential.expires_at) <= Date.now()) return undefined
  const wanted = JSON.parse(credential.roles) as string[]
  const roles = held.filter((role) => wanted.includes(role.id))
  if (roles.length < wanted.length) return undefined
  const accessRules = credential.is_limited === 1 ? await accessRulesOf(db, id) : null
  return { ...undelegated, roles, applicationCredential: credential, accessRules }
}

/** The roles that a user gave to a consumer, as far as he still has them himself (CVE-2020-12690). */
async function byAccessToken(
  db: IdentityDb,
  id: string,
  { user, project }: Start,
  held: readonly RoleRef[],
): Promise<Delegated | undefined> {
  const accessToken = await findRow(db, 'access_tokens', { id })
  if (!accessToken || accessToken.authorizing_user_id !== user.id || accessToken.project_id !== project?.id) return
  if (accessToken.expires_at !== null && Number(accessToken.expires_at) <= Date.now()) return undefined
  const given = await withImplied(db, new Set(JSON.parse(accessToken.role_ids) as string[]))
  return { ...undelegated, roles: held.filter((role) => given.has(role.id)), accessToken }
}

const accessRulesOf = async (db: IdentityDb, credentialId: string): Promise<AccessRule[]> =>
  (await accessRulesOfEach(db, [credentialId])).get(credentialId) ?? []

/** A trust holds as long as everyone in its chain may act and the first trustor has every role that it names. */
async function byTrust(
  register: Register,
  start: Start,
  trustId: string,
  seconds: number,
): Promise<ValidToken | undefined> {
  const chain = await trustChain(register.db, trustId)
  const [trust] = chain
  const first = chain.at(-1)
  if (!trust || !first || trust.trustee_user_id !== start.user.id || trust.project_id !== start.project?.id)
    return undefined
  const now = Date.now()
  if (chain.some((each) => each.expires_at !== null && Number(each.expires_at) <= now)) return undefined
  const trustor = await usable(register, trust.trustor_user_id, seconds)
  if (!trustor) return undefined
  for (const link of chain.slice(1)) if (!(await usable(register, link.trustor_user_id, seconds))) return undefined
  const roles = await rolesOfTrust(register, trust, first.trustor_user_id)
  const actor = trust.impersonation === 1 ? trustor : {}
  return complete({ ...start, ...actor }, roles && { ...undelegated, roles, trust })
}

/** The trust and those that it was redelegated from, the first one last; empty when one of them was deleted. */
export async function trustChain(db: IdentityDb, id: string): Promise<Row<'trusts'>[]> {
  const chain: Row<'trusts'>[] = []
  for (let next: string | null = id; next !== null;) {
    const trust: Row<'trusts'> | undefined = await findRow(db, 'trusts', { id: next })
    if (!trust || trust.deleted_at !== null || chain.length > 100) return []
    chain.push(trust)
    next = trust.redelegated_trust_id
  }
  return chain
}

async function rolesOfTrust(
  register: Register,
  trust: Row<'trusts'>,
  trustorId: string,
): Promise<RoleRef[] | undefined> {
  const { db } = register
  if (trust.project_id === null) return undefined
  const wanted = await withImplied(db, new Set(JSON.parse(trust.roles) as string[]))
  const rows = await listRows(db, 'roles', { id: [...wanted] })
  const held = await register.roles(trustorId, 'project', trust.project_id)
  const named = rows.filter((role) => role.domain_id === '').map(({ id, name }) => ({ id, name }))
  return named.every((role) => held.some((each) => each.id === role.id)) ? named : undefined
}
