/** Rules that others are made of. */
import type { PolicyTable } from './table.ts'

export const shared: PolicyTable = [
  ['admin_required', 'role:admin or is_admin:1'],
  ['service_role', 'role:service'],
  ['service_or_admin', 'rule:admin_required or rule:service_role'],
  ['owner', 'user_id:%(user_id)s'],
  ['admin_or_owner', 'rule:admin_required or rule:owner'],
  ['token_subject', 'user_id:%(target.token.user_id)s'],
  ['admin_or_token_subject', 'rule:admin_required or rule:token_subject'],
  ['service_admin_or_token_subject', 'rule:service_or_admin or rule:token_subject'],
  [
    'domain_managed_target_role',
    "'manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s",
  ],
]
