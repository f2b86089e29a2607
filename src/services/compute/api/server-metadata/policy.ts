import { rule, type Rule } from '../../../../platform/auth/policy.ts'
import { memberOrAdmin, readerOrAdmin } from '../base-policy.ts'

export const index = rule(
  'os_compute_api:server-metadata:index',
  readerOrAdmin,
  'List metadata',
  'GET /servers/{server_id}/metadata',
)
export const show = rule(
  'os_compute_api:server-metadata:show',
  readerOrAdmin,
  'Show a metadata item',
  'GET /servers/{server_id}/metadata/{key}',
)
export const create = rule(
  'os_compute_api:server-metadata:create',
  memberOrAdmin,
  'Add metadata',
  'POST /servers/{server_id}/metadata',
)
export const updateAll = rule(
  'os_compute_api:server-metadata:update_all',
  memberOrAdmin,
  'Replace metadata',
  'PUT /servers/{server_id}/metadata',
)
export const update = rule(
  'os_compute_api:server-metadata:update',
  memberOrAdmin,
  'Set a metadata item',
  'PUT /servers/{server_id}/metadata/{key}',
)
export const remove = rule(
  'os_compute_api:server-metadata:delete',
  memberOrAdmin,
  'Delete a metadata item',
  'DELETE /servers/{server_id}/metadata/{key}',
)
export const serverMetadataRules: readonly Rule[] = [index, show, create, updateAll, update, remove]
