import { rule, type Rule } from '../../../../platform/auth/policy.ts'

const own = '(rule:context_is_admin) or user_id:%(user_id)s'
export const index = rule('os_compute_api:os-keypairs:index', own, 'List keypairs', 'GET /os-keypairs')
export const create = rule('os_compute_api:os-keypairs:create', own, 'Create or import a keypair', 'POST /os-keypairs')
export const remove = rule(
  'os_compute_api:os-keypairs:delete',
  own,
  'Delete a keypair',
  'DELETE /os-keypairs/{keypair_name}',
)
export const show = rule('os_compute_api:os-keypairs:show', own, 'Show a keypair', 'GET /os-keypairs/{keypair_name}')
export const keypairRules: readonly Rule[] = [index, create, remove, show]
