/** Tokens and what their bearers may ask of them. */
import type { PolicyTable } from './table.ts'

export const tokens: PolicyTable = [
  ['identity:get_auth_catalog', '', 'GET /v3/auth/catalog', 'HEAD /v3/auth/catalog'],
  ['identity:get_auth_projects', '', 'GET /v3/auth/projects', 'HEAD /v3/auth/projects'],
  ['identity:get_auth_domains', '', 'GET /v3/auth/domains', 'HEAD /v3/auth/domains'],
  ['identity:get_auth_system', '', 'GET /v3/auth/system', 'HEAD /v3/auth/system'],
  [
    'identity:check_token',
    'rule:admin_required or (role:reader and system_scope:all) or rule:token_subject',
    'HEAD /v3/auth/tokens',
  ],
  [
    'identity:validate_token',
    'rule:admin_required or (role:reader and system_scope:all) or rule:service_role or rule:token_subject',
    'GET /v3/auth/tokens',
  ],
  ['identity:revoke_token', 'rule:admin_required or rule:token_subject', 'DELETE /v3/auth/tokens'],
  ['identity:list_revoke_events', 'rule:service_or_admin', 'GET /v3/OS-REVOKE/events'],
  ['identity:revocation_list', 'rule:service_or_admin', 'GET /v3/auth/tokens/OS-PKI/revoked'],
]
