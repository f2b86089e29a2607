/** Roles and what they imply. */
import type { PolicyTable } from './table.ts'

export const roles: PolicyTable = [
  [
    'identity:get_implied_role',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/roles/{prior_role_id}/implies/{implied_role_id}',
  ],
  [
    'identity:list_implied_roles',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/roles/{prior_role_id}/implies',
    'HEAD /v3/roles/{prior_role_id}/implies',
  ],
  ['identity:create_implied_role', 'rule:admin_required', 'PUT /v3/roles/{prior_role_id}/implies/{implied_role_id}'],
  ['identity:delete_implied_role', 'rule:admin_required', 'DELETE /v3/roles/{prior_role_id}/implies/{implied_role_id}'],
  [
    'identity:list_role_inference_rules',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/role_inferences',
    'HEAD /v3/role_inferences',
  ],
  [
    'identity:check_implied_role',
    'rule:admin_required or (role:reader and system_scope:all)',
    'HEAD /v3/roles/{prior_role_id}/implies/{implied_role_id}',
  ],
  [
    'identity:get_role',
    '(rule:admin_required or (role:reader and system_scope:all)) or (role:manager and rule:domain_managed_target_role)',
    'GET /v3/roles/{role_id}',
    'HEAD /v3/roles/{role_id}',
  ],
  [
    'identity:list_roles',
    '(rule:admin_required or (role:reader and system_scope:all)) or (role:manager and not domain_id:None)',
    'GET /v3/roles',
    'HEAD /v3/roles',
  ],
  ['identity:create_role', 'rule:admin_required', 'POST /v3/roles'],
  ['identity:update_role', 'rule:admin_required', 'PATCH /v3/roles/{role_id}'],
  ['identity:delete_role', 'rule:admin_required', 'DELETE /v3/roles/{role_id}'],
  [
    'identity:get_domain_role',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/roles/{role_id}',
    'HEAD /v3/roles/{role_id}',
  ],
  [
    'identity:list_domain_roles',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/roles?domain_id={domain_id}',
    'HEAD /v3/roles?domain_id={domain_id}',
  ],
  ['identity:create_domain_role', 'rule:admin_required', 'POST /v3/roles'],
  ['identity:update_domain_role', 'rule:admin_required', 'PATCH /v3/roles/{role_id}'],
  ['identity:delete_domain_role', 'rule:admin_required', 'DELETE /v3/roles/{role_id}'],
]
