import { rule, type Rule } from '../../../../platform/auth/policy.ts'
import { admin, readerOrAdmin } from '../base-policy.ts'

export const create = rule('os_compute_api:os-flavor-manage:create', admin, 'Create a flavor', 'POST /flavors')
export const update = rule(
  'os_compute_api:os-flavor-manage:update',
  admin,
  'Update a flavor',
  'PUT /flavors/{flavor_id}',
)
export const remove = rule(
  'os_compute_api:os-flavor-manage:delete',
  admin,
  'Delete a flavor',
  'DELETE /flavors/{flavor_id}',
)
export const access = rule(
  'os_compute_api:os-flavor-access',
  admin,
  'List access of a flavor',
  'GET /flavors/{flavor_id}/os-flavor-access',
)
export const addAccess = rule(
  'os_compute_api:os-flavor-access:add_tenant_access',
  admin,
  'Give a project access',
  'POST /flavors/{flavor_id}/action (addTenantAccess)',
)
export const removeAccess = rule(
  'os_compute_api:os-flavor-access:remove_tenant_access',
  admin,
  'Take access away',
  'POST /flavors/{flavor_id}/action (removeTenantAccess)',
)
export const specIndex = rule(
  'os_compute_api:os-flavor-extra-specs:index',
  readerOrAdmin,
  'List extra specs',
  'GET /flavors/{flavor_id}/os-extra_specs',
)
export const specShow = rule(
  'os_compute_api:os-flavor-extra-specs:show',
  readerOrAdmin,
  'Show an extra spec',
  'GET /flavors/{flavor_id}/os-extra_specs/{key}',
)
export const specCreate = rule(
  'os_compute_api:os-flavor-extra-specs:create',
  admin,
  'Create extra specs',
  'POST /flavors/{flavor_id}/os-extra_specs',
)
export const specUpdate = rule(
  'os_compute_api:os-flavor-extra-specs:update',
  admin,
  'Update an extra spec',
  'PUT /flavors/{flavor_id}/os-extra_specs/{key}',
)
export const specDelete = rule(
  'os_compute_api:os-flavor-extra-specs:delete',
  admin,
  'Delete an extra spec',
  'DELETE /flavors/{flavor_id}/os-extra_specs/{key}',
)

export const flavorRules: readonly Rule[] = [
  create,
  update,
  remove,
  access,
  addAccess,
  removeAccess,
  specIndex,
  specShow,
  specCreate,
  specUpdate,
  specDelete,
]
