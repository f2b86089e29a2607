/** Trusts, application credentials, other credentials, OAuth 1. */
import type { PolicyTable } from './table.ts'

export const delegation: PolicyTable = [
  [
    'identity:get_application_credential',
    '(rule:admin_required) or (role:reader and system_scope:all) or rule:owner',
    'GET /v3/users/{user_id}/application_credentials/{application_credential_id}',
    'HEAD /v3/users/{user_id}/application_credentials/{application_credential_id}',
  ],
  [
    'identity:list_application_credentials',
    '(rule:admin_required) or (role:reader and system_scope:all) or rule:owner',
    'GET /v3/users/{user_id}/application_credentials',
    'HEAD /v3/users/{user_id}/application_credentials',
  ],
  ['identity:create_application_credential', 'user_id:%(user_id)s', 'POST /v3/users/{user_id}/application_credentials'],
  [
    'identity:delete_application_credential',
    'rule:admin_or_owner',
    'DELETE /v3/users/{user_id}/application_credentials/{application_credential_id}',
  ],
  [
    'identity:get_credential',
    '(rule:admin_required) or (role:reader and system_scope:all) or user_id:%(target.credential.user_id)s',
    'GET /v3/credentials/{credential_id}',
  ],
  [
    'identity:list_credentials',
    '(rule:admin_required) or (role:reader and system_scope:all) or user_id:%(target.credential.user_id)s',
    'GET /v3/credentials',
  ],
  [
    'identity:create_credential',
    '(rule:admin_required) or user_id:%(target.credential.user_id)s',
    'POST /v3/credentials',
  ],
  [
    'identity:update_credential',
    '(rule:admin_required) or user_id:%(target.credential.user_id)s',
    'PATCH /v3/credentials/{credential_id}',
  ],
  [
    'identity:delete_credential',
    '(rule:admin_required) or user_id:%(target.credential.user_id)s',
    'DELETE /v3/credentials/{credential_id}',
  ],
  [
    'identity:get_access_rule',
    '(role:reader and system_scope:all) or user_id:%(target.user.id)s',
    'GET /v3/users/{user_id}/access_rules/{access_rule_id}',
    'HEAD /v3/users/{user_id}/access_rules/{access_rule_id}',
  ],
  [
    'identity:list_access_rules',
    '(role:reader and system_scope:all) or user_id:%(target.user.id)s',
    'GET /v3/users/{user_id}/access_rules',
    'HEAD /v3/users/{user_id}/access_rules',
  ],
  [
    'identity:delete_access_rule',
    '(role:admin and system_scope:all) or user_id:%(target.user.id)s',
    'DELETE /v3/users/{user_id}/access_rules/{access_rule_id}',
  ],
  ['identity:authorize_request_token', 'rule:admin_required', 'PUT /v3/OS-OAUTH1/authorize/{request_token_id}'],
  [
    'identity:get_access_token',
    'rule:admin_required',
    'GET /v3/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}',
  ],
  [
    'identity:get_access_token_role',
    'rule:admin_required',
    'GET /v3/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles/{role_id}',
  ],
  ['identity:list_access_tokens', 'rule:admin_required', 'GET /v3/users/{user_id}/OS-OAUTH1/access_tokens'],
  [
    'identity:list_access_token_roles',
    'rule:admin_required',
    'GET /v3/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles',
  ],
  [
    'identity:delete_access_token',
    'rule:admin_required',
    'DELETE /v3/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}',
  ],
  [
    'identity:get_consumer',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/OS-OAUTH1/consumers/{consumer_id}',
  ],
  [
    'identity:list_consumers',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/OS-OAUTH1/consumers',
  ],
  ['identity:create_consumer', 'rule:admin_required', 'POST /v3/OS-OAUTH1/consumers'],
  ['identity:update_consumer', 'rule:admin_required', 'PATCH /v3/OS-OAUTH1/consumers/{consumer_id}'],
  ['identity:delete_consumer', 'rule:admin_required', 'DELETE /v3/OS-OAUTH1/consumers/{consumer_id}'],
  [
    'identity:ec2_get_credential',
    '(rule:admin_required) or (role:reader and system_scope:all) or user_id:%(target.credential.user_id)s',
    'GET /v3/users/{user_id}/credentials/OS-EC2/{credential_id}',
  ],
  [
    'identity:ec2_list_credentials',
    '(rule:admin_required) or (role:reader and system_scope:all) or rule:owner',
    'GET /v3/users/{user_id}/credentials/OS-EC2',
  ],
  [
    'identity:ec2_create_credential',
    '(rule:admin_required) or (role:member and user_id:%(target.credential.user_id)s)',
    'POST /v3/users/{user_id}/credentials/OS-EC2',
  ],
  [
    'identity:ec2_delete_credential',
    '(rule:admin_required) or (role:member and user_id:%(target.credential.user_id)s)',
    'DELETE /v3/users/{user_id}/credentials/OS-EC2/{credential_id}',
  ],
  ['identity:ec2tokens_validate', 'rule:service_or_admin', 'POST /v3/ec2tokens'],
  ['identity:s3tokens_validate', 'rule:service_or_admin', 'POST /v3/s3tokens'],
  ['identity:create_trust', 'user_id:%(target.trust.trustor_user_id)s', 'POST /v3/OS-TRUST/trusts'],
  [
    'identity:list_trusts',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/OS-TRUST/trusts',
    'HEAD /v3/OS-TRUST/trusts',
  ],
  [
    'identity:list_trusts_for_trustor',
    '(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustor_user_id)s)',
    'GET /v3/OS-TRUST/trusts?trustor_user_id={trustor_user_id}',
    'HEAD /v3/OS-TRUST/trusts?trustor_user_id={trustor_user_id}',
  ],
  [
    'identity:list_trusts_for_trustee',
    '(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustee_user_id)s)',
    'GET /v3/OS-TRUST/trusts?trustee_user_id={trustee_user_id}',
    'HEAD /v3/OS-TRUST/trusts?trustee_user_id={trustee_user_id}',
  ],
  [
    'identity:list_roles_for_trust',
    '(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustor_user_id)s or user_id:%(target.trust.trustee_user_id)s)',
    'GET /v3/OS-TRUST/trusts/{trust_id}/roles',
    'HEAD /v3/OS-TRUST/trusts/{trust_id}/roles',
  ],
  [
    'identity:get_role_for_trust',
    '(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustor_user_id)s or user_id:%(target.trust.trustee_user_id)s)',
    'GET /v3/OS-TRUST/trusts/{trust_id}/roles/{role_id}',
    'HEAD /v3/OS-TRUST/trusts/{trust_id}/roles/{role_id}',
  ],
  [
    'identity:delete_trust',
    'rule:admin_required or user_id:%(target.trust.trustor_user_id)s',
    'DELETE /v3/OS-TRUST/trusts/{trust_id}',
  ],
  [
    'identity:get_trust',
    '(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustor_user_id)s or user_id:%(target.trust.trustee_user_id)s)',
    'GET /v3/OS-TRUST/trusts/{trust_id}',
    'HEAD /v3/OS-TRUST/trusts/{trust_id}',
  ],
]
