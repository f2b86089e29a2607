/** Finds what an authentication request names. What is not there or disabled is no different from a wrong password. */
import type { IdentityDeps } from '../deps.ts'
import { expected } from '../errors.ts'
import { findRow, type Row } from '../store/rows.ts'
import { isActive } from '../users/compliance.ts'
import type { Named, NamedInDomain } from './method.ts'

/** The user, in whatever state. Throws ValidationFailed when the request does not say enough. */
export async function findUser(deps: IdentityDeps, user: NamedInDomain): Promise<Row<'users'> | undefined> {
  const { db } = deps.database
  if (user.id !== undefined) {
    await deps.residents.refreshUser(user.id)
    return findRow(db, 'users', { id: user.id })
  }
  if (user.name === undefined) throw expected('id or name', 'user')
  if (!user.domain) throw expected('domain', 'user')
  const domain = await findDomain(deps, user.domain)
  const directory = domain && (await deps.directories.of(domain.id))
  if (directory) return deps.residents.userNamed(directory, user.name)
  return domain && findRow(db, 'users', { name: user.name, domain_id: domain.id })
}

/** The directory of a user or, where there is no such user, of the domain that he is looked for in. */
export async function directoryOf(deps: IdentityDeps, named: NamedInDomain, user: Row<'users'> | undefined) {
  if (!deps.directories.isInUse) return undefined
  if (user) return deps.directories.of(user.domain_id)
  const domain = named.id === undefined && named.domain ? await findDomain(deps, named.domain) : undefined
  return domain && deps.directories.of(domain.id)
}

export async function findDomain(deps: IdentityDeps, domain: Named): Promise<Row<'projects'> | undefined> {
  if (domain.id === undefined && domain.name === undefined) throw expected('id or name', 'domain')
  const { register } = deps.tokens
  if (domain.id === undefined) return register.projectNamed(domain.name!, '')
  const found = await register.project(domain.id)
  return found?.is_domain === 1 ? found : undefined
}

export async function findProject(deps: IdentityDeps, project: NamedInDomain): Promise<Row<'projects'> | undefined> {
  const { register } = deps.tokens
  if (project.id !== undefined) {
    const found = await register.project(project.id)
    // A domain is a project too, but a token for it is a domain token.
    return found?.domain_id === '' ? undefined : found
  }
  if (project.name === undefined) throw expected('id or name', 'project')
  if (!project.domain) throw expected('domain', 'project')
  const domain = await findDomain(deps, project.domain)
  return domain && register.projectNamed(project.name, domain.id)
}

/** True when the user and his domain are enabled and he was not away for too long. */
export async function isUsable(deps: IdentityDeps, user: Row<'users'>): Promise<boolean> {
  const domain = await deps.tokens.register.project(user.domain_id)
  return domain?.enabled === 1 && isActive(deps.config, user)
}
