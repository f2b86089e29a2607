/** What a cloud has from its first moment, as `keystone-manage bootstrap` makes it; run at every start, changing nothing twice. */
import { lockOwner } from '../../../platform/db/owner-lock.ts'
import type { Account } from '../../../platform/service.ts'
import type { IdentityDeps } from '../deps.ts'
import { newId, newProject, newUser } from '../store/new-rows.ts'
import { findRow, insertRow, listRows, updateRow, type IdentityDb, type Row } from '../store/rows.ts'
import { rememberSecret } from '../tokens/known-secrets.ts'
import { checkPassword, hashPassword } from '../tokens/passwords.ts'

export type Interface = 'public' | 'internal' | 'admin'

export interface BootstrapInput {
  projects: readonly string[]
  users: readonly Account[]
  /** Absent: none is made, and endpoints have none. */
  region: string | null
  services: readonly { type: string; name: string; urls: Partial<Record<Interface, string>> }[]
  /** Roles besides keystone's own. */
  roles?: readonly string[]
  /** Whether roles that are made here can be changed later. */
  mutableRoles?: boolean
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
  const roleIds = await makeRoles(deps, [...roleNames, ...(input.roles ?? [])], input.mutableRoles ?? false)
  const projectIds = new Map<string, string>()
  for (const name of input.projects) projectIds.set(name, await makeProject(deps, name, false))
  for (const user of input.users) {
    const id = await makeUser(deps, user)
    const grants = user.roles.map((role) => ['project', projectIds.get(user.project)!, roleIds.get(role)!] as const)
    const systemRoles = [...(user.systemAdmin ? ['admin'] : []), ...(user.systemRoles ?? [])]
    for (const role of systemRoles) grants.push(['system', 'all', roleIds.get(role)!] as never)
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
  const { region } = input
  if (region !== null)
    await insertRow(deps.database.db, 'regions', { id: region, description: '', parent_region_id: null, extra: '{}' })
  // Nothing else keeps two services of one name apart.
  await deps.database.transaction(async (tx) => {
    await lockOwner(deps.database, tx, 'bootstrap')
    for (const service of input.services) await makeService(tx, service, region)
  })
  deps.changed()
}

async function makeProject({ database: { db } }: IdentityDeps, name: string, isDomain: boolean): Promise<string> {
  const domain = isDomain ? '' : domainId
  const existing = await findRow(db, 'projects', { name, domain_id: domain })
  if (existing) return existing.id
  const row = isDomain
    ? newProject({ name, id: domainId, description: 'The default domain' })
    : newProject({ name, domain_id: domainId })
  // Another process that starts at the same moment may be first, here and below: what it made counts.
  if (await insertRow(db, 'projects', row)) return row.id
  return (await findRow(db, 'projects', { name, domain_id: domain }))!.id
}

async function makeRoles(
  { database: { db } }: IdentityDeps,
  names: readonly string[],
  mutable: boolean,
): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const name of new Set(names)) {
    const existing = await findRow(db, 'roles', { name, domain_id: '' })
    const id = existing?.id ?? newId()
    const isOurs =
      !existing &&
      (await insertRow(db, 'roles', {
        id,
        name,
        domain_id: '',
        description: null,
        options: mutable ? '{}' : '{"immutable":true}',
        extra: '{}',
      }))
    ids.set(name, existing || isOurs ? id : (await findRow(db, 'roles', { name, domain_id: '' }))!.id)
  }
  for (const [prior, implied] of implications) {
    await insertRow(db, 'implied_roles', { prior_role_id: ids.get(prior)!, implied_role_id: ids.get(implied)! })
  }
  return ids
}

/** Passwords that the cloud makes for itself are long and random: nobody guesses them, however fast the hash. */
const machineRounds = 4

async function makeUser(deps: IdentityDeps, user: Account): Promise<string> {
  const { db } = deps.database
  const existing = await findRow(db, 'users', { name: user.name, domain_id: domainId })
  if (existing) {
    if (user.reset) await reset(deps, existing, user.password)
    return existing.id
  }
  const password_hash = await hashPassword(user.password, user.reset ? machineRounds : deps.config.passwordHashRounds)
  if (user.reset) rememberSecret(user.password, password_hash)
  const row = newUser({
    name: user.name,
    domain_id: domainId,
    password_hash,
    password_created_at: Date.now(),
  })
  if (await insertRow(db, 'users', row)) return row.id
  return (await findRow(db, 'users', { name: user.name, domain_id: domainId }))!.id
}

/** Lets a user in again with a password; one who can get in with it already is left alone. */
async function reset({ database: { db } }: IdentityDeps, user: Row<'users'>, password: string) {
  const isSame = await checkPassword(password, user.password_hash, machineRounds)
  const password_hash = isSame ? user.password_hash! : await hashPassword(password, machineRounds)
  rememberSecret(password, password_hash)
  if (isSame && user.enabled === 1) return
  await updateRow(db, 'users', user.id, {
    enabled: 1,
    failed_auth_count: 0,
    failed_auth_at: null,
    ...(!isSame && {
      password_hash,
      password_created_at: Date.now(),
      password_expires_at: null,
      tokens_valid_after: Date.now(),
    }),
  })
}

async function makeService(
  db: IdentityDb,
  { type, name, urls }: BootstrapInput['services'][number],
  region: string | null,
) {
  const existing = await findRow(db, 'services', { type, name })
  const serviceId = existing?.id ?? newId()
  if (!existing)
    await insertRow(db, 'services', { id: serviceId, type, name, description: null, enabled: 1, extra: '{}' })
  const endpoints = await listRows(db, 'endpoints', { service_id: serviceId })
  for (const [face, url] of Object.entries(urls)) {
    const endpoint = endpoints.find((each) => each.interface === face && each.region_id === region)
    if (endpoint && endpoint.url !== url) await updateRow(db, 'endpoints', endpoint.id, { url })
    if (endpoint) continue
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
  }
}
