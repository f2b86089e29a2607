/** Users whom a login of an identity provider makes, with the groups and projects that its mapping gives them. */
import { orTaken } from '../../../platform/db/rows.ts'
import type { IdentityDeps } from '../deps.ts'
import { AuthFailed, IdentityConflict, IdentityNotFound, LoginRefused } from '../errors.ts'
import { Forbidden } from '../../../platform/errors.ts'
import type { ProjectRule } from '../model/mapping/types.ts'
import { publicId } from '../model/public-id.ts'
import {
  freeUserName,
  projectGrantsOf,
  renameFederatedUser,
  replaceExpiringMemberships,
  type FederatedUser,
} from '../store/federated-users.ts'
import type { IdentityProvider } from '../store/federation.ts'
import { keyOf } from '../store/names.ts'
import { newProject, newUser } from '../store/new-rows.ts'
import { deleteRows, findRow, insertRow, listRows, updateRow, type IdentityDb, type Row } from '../store/rows.ts'
import { endDelegationsOf } from './end-delegations.ts'

export interface Vouched {
  provider: IdentityProvider
  protocolId: string
  uniqueId: string
  displayName: string
  email: string | undefined
  domainId: string
  groupIds: readonly string[]
  projects: readonly ProjectRule[]
  /** The identity provider decides about all of his projects: what it does not name any more is taken (schema 3.0). */
  followsProvider: boolean
}

type User = Row<'users'>

/** Two first logins of one user at once: the second finds what the first has made. */
class Overtaken extends Error {}

/**
 * The user, made or brought up to date, with everything that the login gives him, or nothing of it at all. Throws
 * AuthFailed when he or his domain is disabled.
 */
export async function admitShadowUser(deps: IdentityDeps, login: Vouched): Promise<User> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { user, isChanged } = await deps.database.transaction((tx) => admit(deps, tx, login))
      if (isChanged) deps.changed()
      return user
    } catch (error) {
      if (!(error instanceof Overtaken) || attempt >= 10) throw error
    }
  }
}

async function admit(deps: IdentityDeps, tx: IdentityDb, login: Vouched) {
  const projects = await resolveProjects(tx, login)
  const known = await findLinked(tx, login)
  const before = known && (await findRow(tx, 'users', { id: known.user_id }))
  const user = known ? await refresh(tx, known, before, login) : await create(tx, login)
  const domain = await findRow(tx, 'projects', { id: user.domain_id, is_domain: 1 })
  if (user.enabled !== 1 || domain?.enabled !== 1) throw new AuthFailed()
  const minutes = login.provider.authorization_ttl ?? deps.config.defaultAuthorizationTtl
  const owner = { userId: user.id, idpId: login.provider.id }
  const hasNewGroups = await replaceExpiringMemberships(tx, owner, login.groupIds, Date.now() + minutes * 60_000)
  const hasNewRoles = await grant(tx, user.id, projects, login.followsProvider)
  return { user, isChanged: before?.name !== user.name || before.extra !== user.extra || hasNewGroups || hasNewRoles }
}

const findLinked = (tx: IdentityDb, { provider, protocolId, uniqueId }: Vouched) =>
  findRow(tx, 'federated_users', { idp_id: provider.id, protocol_id: protocolId, unique_id: uniqueId })

async function create(tx: IdentityDb, login: Vouched): Promise<User> {
  const id = publicId(login.domainId, 'user', login.uniqueId)
  if (await findRow(tx, 'users', { id })) {
    if (await findLinked(tx, login)) throw new Overtaken()
    throw new IdentityConflict('federated_user', `Duplicate entry found with ID ${id}`)
  }
  const user = newUser({
    id,
    name: await freeUserName(tx, login.domainId, login.displayName, id),
    domain_id: login.domainId,
    extra: JSON.stringify(login.email ? { email: login.email } : {}),
    last_active_at: Date.now(),
  })
  const federated = {
    user_id: id,
    idp_id: login.provider.id,
    protocol_id: login.protocolId,
    unique_id: login.uniqueId,
    display_name: login.displayName.slice(0, 255),
    is_shadow: 1,
  }
  if (!(await insertRow(tx, 'users', user)) || !(await insertRow(tx, 'federated_users', federated)))
    throw new Overtaken()
  return user
}

/** Name and e-mail as the identity provider says them now. A local user who is linked to it keeps his own name. */
async function refresh(tx: IdentityDb, known: FederatedUser, user: User | undefined, login: Vouched): Promise<User> {
  if (!user) throw new LoginRefused(`the user ${known.user_id} is gone`)
  const displayName = login.displayName.slice(0, 255)
  if (known.display_name !== displayName) await renameFederatedUser(tx, known, displayName)
  const extra = JSON.parse(user.extra) as Record<string, unknown>
  const changes = {
    last_active_at: Date.now(),
    ...(known.is_shadow === 1 && { name: await freeUserName(tx, user.domain_id, login.displayName, user.id) }),
    ...(login.email && { extra: JSON.stringify({ ...extra, email: login.email }) }),
  }
  if ((await orTaken(updateRow(tx, 'users', user.id, changes))) === 'taken') throw new Overtaken()
  return { ...user, ...changes }
}

interface WantedProject {
  name: string
  domainId: string
  roleIds: readonly string[]
}

/** Domains and roles of the mapping's projects: they must exist before anything is made. */
async function resolveProjects(tx: IdentityDb, login: Vouched): Promise<WantedProject[]> {
  if (login.projects.length === 0) return []
  const names = new Set(login.projects.flatMap((project) => project.roles.map((role) => role.name)))
  const roles: Row<'roles'>[] = []
  for (const value of names) roles.push(...(await listRows(tx, 'roles', { name: value })))
  const wanted: WantedProject[] = []
  for (const { name, domain, roles: given } of login.projects) {
    if (name.trim() === '' || name.length > 64)
      throw new LoginRefused(`the mapping names a project '${name.slice(0, 80)}', which no project can be called`)
    const where = domain?.id ?? (domain?.name === undefined ? login.provider.domain_id : undefined)
    const found = await findRow(tx, 'projects', {
      ...(where !== undefined ? { id: where } : { name: domain!.name!, domain_id: '' }),
      is_domain: 1,
    })
    if (!found) throw new IdentityNotFound('domain', domain?.id ?? domain?.name ?? '')
    const roleIds = given.map((role) => roleNamed(role.name, roles, login))
    wanted.push({ name: name.trim(), domainId: found.id, roleIds: [...new Set(roleIds)] })
  }
  return wanted
}

function roleNamed(name: string, roles: readonly Row<'roles'>[], { domainId, provider }: Vouched): string {
  const called = roles.filter((role) => keyOf(role.name) === keyOf(name))
  const role = called.find((each) => each.domain_id === '') ?? called.find((each) => each.domain_id === domainId)
  if (role) return role.id
  if (called.length === 0) throw new IdentityNotFound('role', name)
  throw new Forbidden(`role: ${name} must be within the same domain as the identity provider: ${provider.id}.`)
}

/** Gives the roles; with `isAll` takes those that are not among them. True when anything has changed. */
async function grant(
  tx: IdentityDb,
  userId: string,
  projects: readonly WantedProject[],
  isAll: boolean,
): Promise<boolean> {
  if (projects.length === 0 && !isAll) return false
  const held = await projectGrantsOf(tx, userId)
  const wanted = new Set<string>()
  let isChanged = false
  for (const { name, domainId, roleIds } of projects) {
    const projectId = await projectNamed(tx, name, domainId)
    for (const role_id of roleIds) {
      wanted.add(`${projectId} ${role_id}`)
      if (held.some((each) => each.target_id === projectId && each.role_id === role_id)) continue
      isChanged = true
      const target = { target_type: 'project', target_id: projectId } as const
      await insertRow(tx, 'assignments', { actor_type: 'user', actor_id: userId, ...target, role_id, inherited: 0 })
    }
  }
  const lost = isAll ? held.filter((each) => !wanted.has(`${each.target_id} ${each.role_id}`)) : []
  for (const assignment of lost) {
    await deleteRows(tx, 'assignments', assignment)
    await endDelegationsOf(tx, assignment)
  }
  return isChanged || lost.length > 0
}

async function projectNamed(tx: IdentityDb, name: string, domainId: string): Promise<string> {
  const found = await findRow(tx, 'projects', { name, domain_id: domainId, is_domain: 0 })
  if (found) return found.id
  const row = newProject({ name, domain_id: domainId })
  if (!(await insertRow(tx, 'projects', row))) throw new Overtaken()
  return row.id
}
