/** The left side of a check: what the caller's credentials say, under oslo.policy's names. */
import type { Caller } from './credentials.ts'

const present = (value: string | null): string[] => (value ? [value] : [])

const project = (caller: Caller) => present(caller.projectId)
const projectDomain = (caller: Caller) => present(caller.projectDomainId)
const domain = (caller: Caller) => present(caller.domainId)
const system = (caller: Caller) => present(caller.systemScope)
/** Keystone: true unless an admin project is configured. */
const isAdminProject = () => ['True']

const credentials: Readonly<Record<string, (caller: Caller) => readonly string[]>> = {
  user_id: (caller) => present(caller.userId),
  project_id: project,
  tenant_id: project,
  tenant: project,
  domain_id: domain,
  'token.domain.id': domain,
  system_scope: system,
  system,
  user_domain_id: (caller) => present(caller.userDomainId),
  project_domain_id: projectDomain,
  'token.project.domain.id': projectDomain,
  service_roles: (caller) => caller.serviceRoles,
  is_admin: (caller) => [caller.isAdmin ? 'True' : 'False', caller.isAdmin ? '1' : '0'],
  is_admin_project: isAdminProject,
  'token.is_admin_project': isAdminProject,
  None: () => ['None'],
}

/** Whether a check may ask for it; anything else no token has. */
export const isCredential = (kind: string): boolean => Object.hasOwn(credentials, kind)

export const credentialValues = (caller: Caller, kind: string): readonly string[] =>
  isCredential(kind) ? credentials[kind]!(caller) : []
