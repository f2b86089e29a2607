/** Which tokens may pass keystone's rules at all: upstream's `scope_types`, enforced unless `[oslo_policy] enforce_scope` is off. */
import type { TokenScope } from '../../platform/auth/policy.ts'

const names = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const withAnyScope = names(`
  get_credential list_credentials create_credential update_credential delete_credential get_domain list_domains
  get_security_compliance_domain_config check_grant list_grants create_grant revoke_grant get_group list_groups
  list_groups_for_user create_group update_group delete_group list_users_in_group remove_user_from_group
  check_user_in_group add_user_to_group get_limit_model get_limit list_limits get_project list_projects
  list_user_projects create_project update_project delete_project list_project_tags get_project_tag
  update_project_tags create_project_tag delete_project_tags delete_project_tag get_region list_regions
  get_registered_limit list_registered_limits get_role list_roles list_role_assignments
  list_role_assignments_for_tree s3tokens_validate ec2tokens_validate check_token validate_token revoke_token
  get_user list_users create_user update_user delete_user
`)

const withProjectOnly = names(`
  authorize_request_token get_access_token get_access_token_role list_access_tokens list_access_token_roles
  delete_access_token create_application_credential create_trust
`)

const unlimited = names(`
  get_auth_catalog get_auth_projects get_auth_domains get_auth_system list_projects_for_user
  list_domains_for_user
`)

/** The scopes of a rule `identity:…`; undefined where any token will do. Helper rules have none. */
export function scopesOf(rule: string): readonly TokenScope[] | undefined {
  const [prefix, name = ''] = rule.split(':')
  if (prefix !== 'identity' || unlimited.has(name)) return undefined
  if (withAnyScope.has(name)) return ['system', 'domain', 'project']
  return withProjectOnly.has(name) ? ['project'] : ['system', 'project']
}
