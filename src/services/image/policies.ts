/** Glance's default policies: upstream's rule names and check strings, letter for letter. */
import { rule, type Rule } from '../../platform/auth/policy.ts'
import { metadefPolicies, type PolicyLine } from './policies-metadef.ts'

const admin = 'rule:context_is_admin'
const projectMember = 'rule:context_is_admin or (role:member and project_id:%(project_id)s)'
const visible =
  "project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s"

const table: readonly PolicyLine[] = [
  ['default', ''],
  ['context_is_admin', 'role:admin'],
  ['service_api', 'role:service or role:admin'],
  [
    'add_image',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s and project_id:%(owner)s)',
    'POST /v2/images',
  ],
  [
    'delete_image',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s)',
    'DELETE /v2/images/{image_id}',
  ],
  ['get_image', `rule:context_is_admin or (role:reader and (${visible}))`, 'GET /v2/images/{image_id}'],
  ['get_images', 'rule:context_is_admin or (role:reader and project_id:%(project_id)s)', 'GET /v2/images'],
  [
    'modify_image',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s)',
    'PATCH /v2/images/{image_id}',
  ],
  ['publicize_image', 'rule:context_is_admin', 'PATCH /v2/images/{image_id}'],
  [
    'communitize_image',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s)',
    'PATCH /v2/images/{image_id}',
  ],
  ['download_image', `rule:context_is_admin or (role:member and (${visible}))`, 'GET /v2/images/{image_id}/file'],
  ['download_from_store', `rule:context_is_admin or (role:member and (${visible}))`, 'GET /v2/images/{image_id}/file'],
  [
    'upload_image',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s)',
    'PUT /v2/images/{image_id}/file',
  ],
  [
    'add_member',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s)',
    'POST /v2/images/{image_id}/members',
  ],
  [
    'delete_member',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s)',
    'DELETE /v2/images/{image_id}/members/{member_id}',
  ],
  [
    'get_member',
    'rule:context_is_admin or role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)',
    'GET /v2/images/{image_id}/members/{member_id}',
  ],
  [
    'get_members',
    'rule:context_is_admin or role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)',
    'GET /v2/images/{image_id}/members',
  ],
  [
    'modify_member',
    'rule:context_is_admin or (role:member and project_id:%(member_id)s)',
    'PUT /v2/images/{image_id}/members/{member_id}',
  ],
  [
    'deactivate',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s)',
    'POST /v2/images/{image_id}/actions/deactivate',
  ],
  [
    'reactivate',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s)',
    'POST /v2/images/{image_id}/actions/reactivate',
  ],
  ['delete_image_location', admin, 'PATCH /v2/images/{image_id}', 'DELETE /v2/stores/{store_id}/{image_id}'],
  [
    'get_image_location',
    'rule:context_is_admin or (role:reader and project_id:%(project_id)s)',
    'GET /v2/images/{image_id}',
  ],
  ['set_image_location', projectMember, 'PATCH /v2/images/{image_id}'],
  [
    'add_image_location',
    'rule:service_api or (role:member and project_id:%(project_id)s and project_id:%(owner)s)',
    'POST /v2/images/{image_id}/locations',
  ],
  ['fetch_image_location', 'rule:service_api', 'GET /v2/images/{image_id}/locations'],
  ['copy_image', admin, 'POST /v2/images/{image_id}/import'],
  ['manage_image_cache', admin],
  ['cache_image', admin, 'PUT /v2/cache/{image_id}'],
  ['cache_list', admin, 'GET /v2/cache'],
  ['cache_delete', admin, 'DELETE /v2/cache', 'DELETE /v2/cache/{image_id}'],
  ['cache_clean', admin, 'POST /v2/cache/clean'],
  ['cache_prune', admin, 'POST /v2/cache/prune'],
  ['list_cached_nodes', admin, 'GET /v2/cache/nodes/{image_id}'],
  ['stores_info_detail', 'rule:context_is_admin or rule:service_api', 'GET /v2/info/stores/detail'],
  ['get_task', 'rule:default', 'GET /v2/tasks/{task_id}'],
  ['get_tasks', 'rule:default', 'GET /v2/tasks'],
  ['add_task', 'rule:default', 'POST /v2/tasks'],
  ['modify_task', 'rule:default', 'DELETE /v2/tasks/{task_id}'],
  [
    'tasks_api_access',
    admin,
    'GET /v2/tasks/{task_id}',
    'GET /v2/tasks',
    'POST /v2/tasks',
    'DELETE /v2/tasks/{task_id}',
  ],
  ...metadefPolicies,
]

/** Rules that others refer to are for every token; the rest, as upstream's, for those of a project. */
const helpers = ['default', 'context_is_admin', 'service_api', 'metadef_default', 'metadef_admin']
const declare = ([name, check, ...operations]: PolicyLine): [string, Rule] => [
  name,
  { ...rule(name, check, '', ...operations), ...(!helpers.includes(name) && { scopes: ['project'] }) },
]
const byName = new Map(table.map(declare))

/** Every rule, for the enforcer. */
export const policies: readonly Rule[] = [...byName.values()]

/** A rule by name. Throws on a name that glance does not have. */
export function policy(name: string): Rule {
  const found = byName.get(name)
  if (!found) throw new Error(`glance has no policy ${name}`)
  return found
}
