import type { DirectoryTables } from './directory-tables.ts'
import type { FederationTables } from './federation-tables.ts'
import type { OAuth1Tables } from './oauth1-tables.ts'

/** Rows as the database has them. Empty text stands for "no domain" where a unique key needs a value. */
export interface IdentitySchema extends FederationTables, OAuth1Tables, DirectoryTables {
  projects: {
    id: string
    name: string
    /** '' for domains themselves. */
    domain_id: string
    parent_id: string | null
    is_domain: number
    enabled: number
    description: string
    options: string
    extra: string
  }
  project_tags: { project_id: string; tag: string }
  users: {
    id: string
    name: string
    domain_id: string
    default_project_id: string | null
    enabled: number
    options: string
    extra: string
    password_hash: string | null
    password_expires_at: number | null
    /** Tokens issued up to then are no longer valid (milliseconds). */
    tokens_valid_after: number
  }
  groups: { id: string; name: string; domain_id: string; description: string; extra: string }
  memberships: { user_id: string; group_id: string }
  roles: { id: string; name: string; domain_id: string; description: string | null; options: string; extra: string }
  implied_roles: { prior_role_id: string; implied_role_id: string }
  assignments: {
    actor_type: 'user' | 'group'
    actor_id: string
    target_type: 'project' | 'domain' | 'system'
    target_id: string
    role_id: string
    inherited: number
  }
  regions: { id: string; description: string; parent_region_id: string | null; extra: string }
  services: {
    id: string
    type: string
    name: string | null
    description: string | null
    enabled: number
    extra: string
  }
  endpoints: {
    id: string
    service_id: string
    region_id: string | null
    interface: string
    url: string
    enabled: number
    name: string | null
    extra: string
  }
  application_credentials: {
    id: string
    name: string
    user_id: string
    project_id: string
    secret_hash: string
    description: string | null
    expires_at: number | null
    unrestricted: number
    /** JSON list of role ids. */
    roles: string
  }
  registered_limits: {
    id: string
    service_id: string
    region_id: string
    resource_name: string
    default_limit: number
    description: string | null
  }
  limits: {
    id: string
    project_id: string
    domain_id: string
    service_id: string
    region_id: string
    resource_name: string
    resource_limit: number
    description: string | null
  }
  revoked_tokens: { audit_id: string; expires_at: number }
}
