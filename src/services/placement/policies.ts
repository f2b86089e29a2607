/** Placement's default policies: upstream's rule names and check strings, letter for letter. */
import { rule, type Rule } from '../../platform/auth/policy.ts'

const table: readonly (readonly [name: string, check: string, ...operations: string[]])[] = [
  ['admin_api', 'role:admin'],
  ['service_api', 'role:service'],
  ['admin_or_service_api', 'role:admin or role:service'],
  ['project_reader_api', 'role:reader and project_id:%(project_id)s'],
  ['admin_or_project_reader_or_service_api', 'role:admin or rule:project_reader_api or role:service'],
  [
    'placement:resource_providers:aggregates:list',
    'rule:admin_or_service_api',
    'GET /resource_providers/{uuid}/aggregates',
  ],
  [
    'placement:resource_providers:aggregates:update',
    'rule:admin_or_service_api',
    'PUT /resource_providers/{uuid}/aggregates',
  ],
  ['placement:allocations:manage', 'rule:admin_or_service_api', 'POST /allocations'],
  ['placement:allocations:list', 'rule:admin_or_service_api', 'GET /allocations/{consumer_uuid}'],
  ['placement:allocations:update', 'rule:admin_or_service_api', 'PUT /allocations/{consumer_uuid}'],
  ['placement:allocations:delete', 'rule:admin_or_service_api', 'DELETE /allocations/{consumer_uuid}'],
  [
    'placement:resource_providers:allocations:list',
    'rule:admin_or_service_api',
    'GET /resource_providers/{uuid}/allocations',
  ],
  ['placement:allocation_candidates:list', 'rule:admin_or_service_api', 'GET /allocation_candidates'],
  [
    'placement:resource_providers:inventories:list',
    'rule:admin_or_service_api',
    'GET /resource_providers/{uuid}/inventories',
  ],
  [
    'placement:resource_providers:inventories:create',
    'rule:admin_or_service_api',
    'POST /resource_providers/{uuid}/inventories',
  ],
  [
    'placement:resource_providers:inventories:show',
    'rule:admin_or_service_api',
    'GET /resource_providers/{uuid}/inventories/{resource_class}',
  ],
  [
    'placement:resource_providers:inventories:update',
    'rule:admin_or_service_api',
    'PUT /resource_providers/{uuid}/inventories',
    'PUT /resource_providers/{uuid}/inventories/{resource_class}',
  ],
  [
    'placement:resource_providers:inventories:delete',
    'rule:admin_or_service_api',
    'DELETE /resource_providers/{uuid}/inventories',
    'DELETE /resource_providers/{uuid}/inventories/{resource_class}',
  ],
  ['placement:reshaper:reshape', 'rule:service_api', 'POST /reshaper'],
  ['placement:resource_classes:list', 'rule:admin_or_service_api', 'GET /resource_classes'],
  ['placement:resource_classes:create', 'rule:admin_or_service_api', 'POST /resource_classes'],
  ['placement:resource_classes:show', 'rule:admin_or_service_api', 'GET /resource_classes/{name}'],
  ['placement:resource_classes:update', 'rule:admin_or_service_api', 'PUT /resource_classes/{name}'],
  ['placement:resource_classes:delete', 'rule:admin_or_service_api', 'DELETE /resource_classes/{name}'],
  ['placement:resource_providers:list', 'rule:admin_or_service_api', 'GET /resource_providers'],
  ['placement:resource_providers:create', 'rule:admin_or_service_api', 'POST /resource_providers'],
  ['placement:resource_providers:show', 'rule:admin_or_service_api', 'GET /resource_providers/{uuid}'],
  ['placement:resource_providers:update', 'rule:admin_or_service_api', 'PUT /resource_providers/{uuid}'],
  ['placement:resource_providers:delete', 'rule:admin_or_service_api', 'DELETE /resource_providers/{uuid}'],
  ['placement:traits:list', 'rule:admin_or_service_api', 'GET /traits'],
  ['placement:traits:show', 'rule:admin_or_service_api', 'GET /traits/{name}'],
  ['placement:traits:update', 'rule:admin_or_service_api', 'PUT /traits/{name}'],
  ['placement:traits:delete', 'rule:admin_or_service_api', 'DELETE /traits/{name}'],
  ['placement:resource_providers:traits:list', 'rule:admin_or_service_api', 'GET /resource_providers/{uuid}/traits'],
  ['placement:resource_providers:traits:update', 'rule:admin_or_service_api', 'PUT /resource_providers/{uuid}/traits'],
  [
    'placement:resource_providers:traits:delete',
    'rule:admin_or_service_api',
    'DELETE /resource_providers/{uuid}/traits',
  ],
  ['placement:resource_providers:usages', 'rule:admin_or_service_api', 'GET /resource_providers/{uuid}/usages'],
  ['placement:usages', 'rule:admin_or_project_reader_or_service_api', 'GET /usages'],
]

const byName = new Map(table.map(([name, check, ...operations]) => [name, rule(name, check, '', ...operations)]))

/** Every rule, for the enforcer. */
export const policies: readonly Rule[] = [...byName.values()]

/** The rule `placement:<name>`. Throws on a name that placement does not have. */
export function policy(name: string): Rule {
  const found = byName.get(`placement:${name}`)
  if (!found) throw new Error(`placement has no policy placement:${name}`)
  return found
}

/**
 * Until `[oslo_policy] enforce_new_defaults` is on, a default passes also who passed its deprecated one: administrators,
 * for what is meant for services only.
 */
export const legacyOverrides: Readonly<Record<string, string>> = { service_api: 'role:service or role:admin' }
