import { rule, type Rule } from '../../../../platform/auth/policy.ts'
import { admin } from '../base-policy.ts'

export const index = rule('os_compute_api:os-aggregates:index', admin, 'List aggregates', 'GET /os-aggregates')
export const show = rule(
  'os_compute_api:os-aggregates:show',
  admin,
  'Show an aggregate',
  'GET /os-aggregates/{aggregate_id}',
)
export const create = rule('os_compute_api:os-aggregates:create', admin, 'Create an aggregate', 'POST /os-aggregates')
export const update = rule(
  'os_compute_api:os-aggregates:update',
  admin,
  'Update an aggregate',
  'PUT /os-aggregates/{aggregate_id}',
)
export const remove = rule(
  'os_compute_api:os-aggregates:delete',
  admin,
  'Delete an aggregate',
  'DELETE /os-aggregates/{aggregate_id}',
)
export const addHost = rule(
  'os_compute_api:os-aggregates:add_host',
  admin,
  'Add a host',
  'POST /os-aggregates/{aggregate_id}/action (add_host)',
)
export const removeHost = rule(
  'os_compute_api:os-aggregates:remove_host',
  admin,
  'Remove a host',
  'POST /os-aggregates/{aggregate_id}/action (remove_host)',
)
export const setMetadata = rule(
  'os_compute_api:os-aggregates:set_metadata',
  admin,
  'Set metadata',
  'POST /os-aggregates/{aggregate_id}/action (set_metadata)',
)
export const aggregateRules: readonly Rule[] = [index, show, create, update, remove, addHost, removeHost, setMetadata]
