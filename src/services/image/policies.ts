/** Glance's default policies: upstream's rule names and check strings, letter for letter. */
import { rule, type Rule } from '../../platform/auth/policy.ts'

const table: readonly (readonly [name: string, check: string, ...operations: string[]])[] = [
  ['default', ''],
  ['context_is_admin', 'role:admin'],
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
  [
    'get_image',
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))",
    'GET /v2/images/{image_id}',
  ],
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
  [
    'download_image',
    "rule:context_is_admin or (role:member and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))",
    'GET /v2/images/{image_id}/file',
  ],
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
]

const byName = new Map(table.map(([name, check, ...operations]) => [name, rule(name, check, '', ...operations)]))

/** Every rule, for the enforcer. */
export const policies: readonly Rule[] = [...byName.values()]

/** A rule by name. Throws on a name that glance does not have. */
export function policy(name: string): Rule {
  const found = byName.get(name)
  if (!found) throw new Error(`glance has no policy ${name}`)
  return found
}
