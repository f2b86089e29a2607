import type { PeriodicSchema } from '../../../platform/periodic/periodic.ts'
import type { DirectoryTables } from './directory-tables.ts'
import type { FederationTables } from './federation-tables.ts'
import type { OAuth1Tables } from './oauth1-tables.ts'
import type { LockSchema } from '../../../platform/db/owner-lock.ts'
import type { CatalogTables } from './tables-catalog.ts'

/** Rows as the database has them. Empty text stands for "no domain" where a unique key needs a value. */
export interface IdentitySchema
  extends PeriodicSchema, LockSchema, CatalogTables, FederationTables, OAuth1Tables, DirectoryTables {
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
    /** Tokens for it issued up to then are no longer valid (milliseconds). */
    tokens_valid_after: number
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
    created_at: number
    /** When a login succeeded last, for `disable_user_account_days_inactive`. */
    last_active_at: number | null
    password_created_at: number | null
    /** 1 when the user set it himself: only then `minimum_password_age` holds. */
    password_self_service: number
    failed_auth_count: number
    failed_auth_at: number | null
  }
  /** Earlier passwords, for `unique_last_password_count`. */
  password_history: { user_id: string; created_at: number; password_hash: string }
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
    /** Microseconds beyond the milliseconds of `expires_at`. */
    expires_micros: number
    unrestricted: number
    /** JSON list of role ids. */
    roles: string
    /** 0: every request; 1: only those of its access rules, of which there may be none. */
    is_limited: number
    /** The application credential whose bearer made this one; it ends with it. */
    parent_id: string | null
  }
  /** `position`: in the order of their making, for each user. */
  access_rules: { id: string; user_id: string; service: string; method: string; path: string; position: number }
  /** `position`: as the request that made the credential names them. */
  application_credential_access_rules: { application_credential_id: string; access_rule_id: string; position: number }
  trusts: {
    id: string
    trustor_user_id: string
    trustee_user_id: string
    project_id: string | null
    impersonation: number
    expires_at: number | null
    remaining_uses: number | null
    redelegated_trust_id: string | null
    redelegation_count: number
    /** JSON list of role ids. */
    roles: string
    deleted_at: number | null
    extra: string
  }
  credentials: {
    id: string
    user_id: string
    project_id: string | null
    type: string
    encrypted_blob: string
    /** SHA-1 of the key that it is encrypted with, as keystone notes it. */
    key_hash: string
    extra: string
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
  /** What `GET /v3/OS-REVOKE/events` tells; tokens themselves are looked up by audit id only. */
  revocation_events: {
    id: string
    audit_id: string | null
    audit_chain_id: string | null
    user_id: string | null
    project_id: string | null
    domain_id: string | null
    trust_id: string | null
    consumer_id: string | null
    revoked_at: number
  }
  /** One row: counts every change that tokens depend on, so that other processes drop what they keep. */
  changes: { id: number; count: number }
}
