import { rule, type Rule } from '../../../../platform/auth/policy.ts'
import { memberOrAdmin, readerOrAdmin } from '../base-policy.ts'

export const index = rule(
  'os_compute_api:os-server-tags:index',
  readerOrAdmin,
  'List tags',
  'GET /servers/{server_id}/tags',
)
export const show = rule(
  'os_compute_api:os-server-tags:show',
  readerOrAdmin,
  'Check a tag',
  'GET /servers/{server_id}/tags/{tag}',
)
export const updateAll = rule(
  'os_compute_api:os-server-tags:update_all',
  memberOrAdmin,
  'Replace tags',
  'PUT /servers/{server_id}/tags',
)
export const update = rule(
  'os_compute_api:os-server-tags:update',
  memberOrAdmin,
  'Add a tag',
  'PUT /servers/{server_id}/tags/{tag}',
)
export const removeAll = rule(
  'os_compute_api:os-server-tags:delete_all',
  memberOrAdmin,
  'Delete all tags',
  'DELETE /servers/{server_id}/tags',
)
export const remove = rule(
  'os_compute_api:os-server-tags:delete',
  memberOrAdmin,
  'Delete a tag',
  'DELETE /servers/{server_id}/tags/{tag}',
)
export const serverTagRules: readonly Rule[] = [index, show, updateAll, update, removeAll, remove]
