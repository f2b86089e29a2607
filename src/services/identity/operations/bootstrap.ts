/** What a cloud has from its first moment, as `keystone-manage bootstrap` makes it; run at every start, changing nothing twice. */
import type { IdentityDeps } from '../deps.ts'
import { newId, newProject, newUser } from '../store/new-rows.ts'
import { findRow, insertRow, updateRow } from '../store/rows.ts'
import { checkPassword, hashPassword } from '../tokens/passwords.ts'

export interface BootstrapInput {
  projects: readonly string[]
  users: readonly { name: string; password: string; project: string; roles: readonly string[]; systemAdmin?: boolean }[]
  region: string
  services: readonly { type: string; name: string; url: string }[]
}

const roleNames = ['admin', 'manager', 'member', 'reader', 'service']
const implications = [
  ['admin', 'manager'],
  ['manager', 'member'],
  ['member', 'reader'],
] as const
const domainId = 'default'

/** Makes domain, roles, projects, users, assignments and catalog where they are missing; addresses and passwords are brought up to date. */
export async function bootstrap(deps: IdentityDeps, input: BootstrapInput): Promise<void> {
  await makeProject(deps, 'Default', true)
  const roleIds = await makeRoles(deps)
  const projectIds = new Map<string, string>()
  for (const name of input.projects) projectIds.set(name, await makeProject(deps, name, false))
  for (const user of input.users) {
    const id = await makeUser(deps, user)
    const grants = user.roles.map((role) => ['project', projectIds.get(user.project)!, roleIds.get(role)!] as const)
    if (user.systemAdmin) grants.push(['system', 'all', roleIds.get('admin')!] as never)
    for (const [target_type, target_id, role_id] of grants) {
      await insertRow(deps.database.db, 'assignments', {
        actor_type: 'user',
        actor_id: id,
        target_type,
        target_id,
        role_id,
        inherited: 0,
      })
    }
  }
  await insertRow(deps.database.db, 'regions', {
    id: input.region,
    description: '',
    parent_region_id: null,
    extra: '{}',
  })
  for (const service of input.services) await makeService(deps, service, input.region)
  deps.changed()
}

async function makeProject({ database: { db } }: IdentityDeps, name: string, isDomain: boolean): Promise<string> {
  const domain = isDomain ? '' : domainId
  const existing = await findRow(db, 'projects', { name, domain_id: domain })
  if (existing) return existing.id
  const row = isDomain
    ? newProject({ name, id: domainId, description: 'The default domain' })
    : newProject({ name, domain_id: domainId })
  await insertRow(db, 'projects', row)
  return row.id
}

async function makeRoles({ database: { db } }: IdentityDeps): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const name of roleNames) {
    const existing = await findRow(db, 'roles', { name, domain_id: '' })
    const id = existing?.id ?? newId()
    if (!existing)
      await insertRow(db, 'roles', {
        id,
        name,
        domain_id: '',
        description: null,
        options: '{"immutable":true}',
        extra: '{}',
      })
    ids.set(name, id)
  }
  for (const [prior, implied] of implications) {
    await insertRow(db, 'implied_roles', { prior_role_id: ids.get(prior)!, implied_role_id: ids.get(implied)! })
  }
  return ids
}

async function makeUser(deps: IdentityDeps, user: BootstrapInput['users'][number]): Promise<string> {
  const { db } = deps.database
  const rounds = deps.config.passwordHashRounds
  const existing = await findRow(db, 'users', { name: user.name, domain_id: domainId })
  // The administrator's and demo's passwords may have been changed since; the services' are the cloud's own.
  if (existing && user.project !== 'service') return existing.id
  if (existing) {
    const isSame = await checkPassword(user.password, existing.password_hash, rounds)
    if (!isSame) await updateRow(db, 'users', existing.id, { password_hash: await hashPassword(user.password, rounds) })
    return existing.id
  }
  const row = newUser({
    name: user.name,
    domain_id: domainId,
    password_hash: await hashPassword(user.password, rounds),
    password_created_at: Date.now(),
  })
  await insertRow(db, 'users', row)
  return row.id
}

async function makeService(
  { database: { db } }: IdentityDeps,
  { type, name, url }: BootstrapInput['services'][number],
  region: string,
) {
  const existing = await findRow(db, 'services', { type, name })
  const serviceId = existing?.id ?? newId()
  if (!existing)
    await insertRow(db, 'services', { id: serviceId, type, name, description: null, enabled: 1, extra: '{}' })
  for (const face of ['public', 'internal', 'admin']) {
    const endpoint = await findRow(db, 'endpoints', { service_id: serviceId, interface: face, region_id: region })
    if (!endpoint) {
      await insertRow(db, 'endpoints', {
        id: newId(),
        service_id: serviceId,
        region_id: region,
        interface: face,
        url,
        enabled: 1,
        name: null,
        extra: '{}',
      })
    } else if (endpoint.url !== url) await updateRow(db, 'endpoints', endpoint.id, { url })
  }
}
