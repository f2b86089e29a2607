import { rule } from '../../../../platform/auth/policy.ts'
import { memberOrAdmin, readerOrAdmin } from '../base-policy.ts'

const name = (verb: string) => `os_compute_api:os-security-groups:${verb}`

export const get = rule(name('get'), readerOrAdmin, 'List security groups', 'GET /os-security-groups')
export const show = rule(name('show'), readerOrAdmin, 'Show a security group', 'GET /os-security-groups/{id}')
export const create = rule(name('create'), memberOrAdmin, 'Create a security group', 'POST /os-security-groups')
export const update = rule(name('update'), memberOrAdmin, 'Change a security group', 'PUT /os-security-groups/{id}')
export const remove = rule(name('delete'), memberOrAdmin, 'Delete a security group', 'DELETE /os-security-groups/{id}')
export const createRule = rule(name('rule:create'), memberOrAdmin, 'Create a rule', 'POST /os-security-group-rules')
export const removeRule = rule(
  name('rule:delete'),
  memberOrAdmin,
  'Delete a rule',
  'DELETE /os-security-group-rules/{id}',
)
export const list = rule(
  name('list'),
  readerOrAdmin,
  'List the security groups of a server',
  'GET /servers/{server_id}/os-security-groups',
)
export const add = rule(
  name('add'),
  memberOrAdmin,
  'Add a security group to a server',
  'POST /servers/{server_id}/action (addSecurityGroup)',
)
export const take = rule(
  name('remove'),
  memberOrAdmin,
  'Remove a security group from a server',
  'POST /servers/{server_id}/action (removeSecurityGroup)',
)
export const securityGroupRules = [get, show, create, update, remove, createRule, removeRule, list, add, take]
