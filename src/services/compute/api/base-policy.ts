import { rule } from '../../../platform/auth/policy.ts'

/** Helper rules, as operators' policy files refer to them. Source: nova/policies/base.py. */
export const baseRules = [
  rule('context_is_admin', 'role:admin', 'Decides what is required for the is_admin:True check'),
  rule('admin_or_owner', 'is_admin:True or project_id:%(project_id)s'),
  rule('admin_api', 'is_admin:True'),
  rule('project_member_api', 'role:member and project_id:%(project_id)s'),
  rule('project_reader_api', 'role:reader and project_id:%(project_id)s'),
  rule('project_member_or_admin', 'rule:project_member_api or rule:context_is_admin'),
  rule('project_reader_or_admin', 'rule:project_reader_api or rule:context_is_admin'),
]

export const admin = 'rule:context_is_admin'
export const memberOrAdmin = 'rule:project_member_or_admin'
export const readerOrAdmin = 'rule:project_reader_or_admin'
