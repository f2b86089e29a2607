/** Rows of new users and projects with what nobody says at their creation. */
import type { Row } from './rows.ts'

export const newId = (): string => crypto.randomUUID().replaceAll('-', '')

export function newUser(user: Pick<Row<'users'>, 'name' | 'domain_id'> & Partial<Row<'users'>>): Row<'users'> {
  return {
    id: newId(),
    default_project_id: null,
    enabled: 1,
    options: '{}',
    extra: '{}',
    password_hash: null,
    password_expires_at: null,
    tokens_valid_after: 0,
    created_at: Date.now(),
    last_active_at: null,
    password_created_at: null,
    password_self_service: 0,
    failed_auth_count: 0,
    failed_auth_at: null,
    ...user,
  }
}

/** A project; without a domain it is one. */
export function newProject(project: Pick<Row<'projects'>, 'name'> & Partial<Row<'projects'>>): Row<'projects'> {
  const domainId = project.domain_id ?? ''
  return {
    id: newId(),
    domain_id: domainId,
    parent_id: domainId || null,
    is_domain: domainId === '' ? 1 : 0,
    enabled: 1,
    description: '',
    options: '{}',
    extra: '{}',
    tokens_valid_after: 0,
    ...project,
  }
}
