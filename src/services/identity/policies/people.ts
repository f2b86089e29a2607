/** Users and groups. */
import type { PolicyTable } from './table.ts'

export const people: PolicyTable = [
  [
    'identity:get_group',
    '(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.group.domain_id)s)',
    'GET /v3/groups/{group_id}',
    'HEAD /v3/groups/{group_id}',
  ],
  [
    'identity:list_groups',
    '(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.group.domain_id)s)',
    'GET /v3/groups',
    'HEAD /v3/groups',
  ],
  [
    'identity:list_groups_for_user',
    '(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.user.domain_id)s) or user_id:%(user_id)s',
    'GET /v3/users/{user_id}/groups',
    'HEAD /v3/users/{user_id}/groups',
  ],
  [
    'identity:create_group',
    '(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s)',
    'POST /v3/groups',
  ],
  [
    'identity:update_group',
    '(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s)',
    'PATCH /v3/groups/{group_id}',
  ],
  [
    'identity:delete_group',
    '(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s)',
    'DELETE /v3/groups/{group_id}',
  ],
  [
    'identity:list_users_in_group',
    '(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.group.domain_id)s)',
    'GET /v3/groups/{group_id}/users',
    'HEAD /v3/groups/{group_id}/users',
  ],
  [
    'identity:remove_user_from_group',
    '(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)',
    'DELETE /v3/groups/{group_id}/users/{user_id}',
  ],
  [
    'identity:check_user_in_group',
    '(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)',
    'HEAD /v3/groups/{group_id}/users/{user_id}',
    'GET /v3/groups/{group_id}/users/{user_id}',
  ],
  [
    'identity:add_user_to_group',
    '(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)',
    'PUT /v3/groups/{group_id}/users/{user_id}',
  ],
  [
    'identity:get_user',
    '(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and token.domain.id:%(target.user.domain_id)s) or user_id:%(target.user.id)s',
    'GET /v3/users/{user_id}',
    'HEAD /v3/users/{user_id}',
  ],
  [
    'identity:list_users',
    '(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.domain_id)s)',
    'GET /v3/users',
    'HEAD /v3/users',
  ],
  ['identity:list_projects_for_user', '', 'GET  /v3/auth/projects'],
  ['identity:list_domains_for_user', '', 'GET /v3/auth/domains'],
  [
    'identity:create_user',
    '(rule:admin_required) or (role:manager and token.domain.id:%(target.user.domain_id)s)',
    'POST /v3/users',
  ],
  [
    'identity:update_user',
    '(rule:admin_required) or (role:manager and token.domain.id:%(target.user.domain_id)s)',
    'PATCH /v3/users/{user_id}',
  ],
  [
    'identity:delete_user',
    '(rule:admin_required) or (role:manager and token.domain.id:%(target.user.domain_id)s)',
    'DELETE /v3/users/{user_id}',
  ],
]
