/** Identity providers, mappings, service providers. */
import type { PolicyTable } from './table.ts'

export const federation: PolicyTable = [
  ['identity:create_identity_provider', 'rule:admin_required', 'PUT /v3/OS-FEDERATION/identity_providers/{idp_id}'],
  [
    'identity:list_identity_providers',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/OS-FEDERATION/identity_providers',
    'HEAD /v3/OS-FEDERATION/identity_providers',
  ],
  [
    'identity:get_identity_provider',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/OS-FEDERATION/identity_providers/{idp_id}',
    'HEAD /v3/OS-FEDERATION/identity_providers/{idp_id}',
  ],
  ['identity:update_identity_provider', 'rule:admin_required', 'PATCH /v3/OS-FEDERATION/identity_providers/{idp_id}'],
  ['identity:delete_identity_provider', 'rule:admin_required', 'DELETE /v3/OS-FEDERATION/identity_providers/{idp_id}'],
  ['identity:create_mapping', 'rule:admin_required', 'PUT /v3/OS-FEDERATION/mappings/{mapping_id}'],
  [
    'identity:get_mapping',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/OS-FEDERATION/mappings/{mapping_id}',
    'HEAD /v3/OS-FEDERATION/mappings/{mapping_id}',
  ],
  [
    'identity:list_mappings',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/OS-FEDERATION/mappings',
    'HEAD /v3/OS-FEDERATION/mappings',
  ],
  ['identity:delete_mapping', 'rule:admin_required', 'DELETE /v3/OS-FEDERATION/mappings/{mapping_id}'],
  ['identity:update_mapping', 'rule:admin_required', 'PATCH /v3/OS-FEDERATION/mappings/{mapping_id}'],
  [
    'identity:create_protocol',
    'rule:admin_required',
    'PUT /v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}',
  ],
  [
    'identity:update_protocol',
    'rule:admin_required',
    'PATCH /v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}',
  ],
  [
    'identity:get_protocol',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}',
  ],
  [
    'identity:list_protocols',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/OS-FEDERATION/identity_providers/{idp_id}/protocols',
  ],
  [
    'identity:delete_protocol',
    'rule:admin_required',
    'DELETE /v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}',
  ],
  [
    'identity:create_service_provider',
    'rule:admin_required',
    'PUT /v3/OS-FEDERATION/service_providers/{service_provider_id}',
  ],
  [
    'identity:list_service_providers',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/OS-FEDERATION/service_providers',
    'HEAD /v3/OS-FEDERATION/service_providers',
  ],
  [
    'identity:get_service_provider',
    'rule:admin_required or (role:reader and system_scope:all)',
    'GET /v3/OS-FEDERATION/service_providers/{service_provider_id}',
    'HEAD /v3/OS-FEDERATION/service_providers/{service_provider_id}',
  ],
  [
    'identity:update_service_provider',
    'rule:admin_required',
    'PATCH /v3/OS-FEDERATION/service_providers/{service_provider_id}',
  ],
  [
    'identity:delete_service_provider',
    'rule:admin_required',
    'DELETE /v3/OS-FEDERATION/service_providers/{service_provider_id}',
  ],
]
