/** `parents_as_list`, `subtree_as_ids` and their like: the neighbourhood of one project. */
import { Invalid } from '../../../../platform/errors.ts'
import type { ApiRequest } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { listRows, type Row } from '../../store/rows.ts'
import { ancestorsOf, descendantsOf } from '../../store/project-tree.ts'
import { targetsOf } from '../../store/roles.ts'
import { limitAnswer, viewLimit } from '../limits/view.ts'
import { withLinks } from '../links.ts'
import { isFlagged } from '../paging.ts'
import { projectAnswer, viewProjects } from './view.ts'
import { linked, withFields } from '../answers.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { Type } from 'typebox'

type Project = Row<'projects'>
type Ids = { [id: string]: Ids | null } | null

/** As a list, or as ids that hold ids. */
const family = Type.Union([
  Type.Array(
    exactly({
      project: withFields(linked(projectAnswer), { limits: Type.Optional(Type.Array(limitAnswer)) }),
    }),
  ),
  Type.Record(Type.String(), Type.Unknown()),
  Type.Null(),
])
export const projectExpansion = { parents: Type.Optional(family), subtree: Type.Optional(family) }

/** What the query asks for besides the project itself. */
export async function expandProject(row: Project, deps: IdentityDeps, request: ApiRequest): Promise<object> {
  const asks = (name: string) => isFlagged(request.query, name)
  for (const what of ['parents', 'subtree']) {
    if (asks(`${what}_as_list`) && asks(`${what}_as_ids`)) {
      throw new Invalid(`Cannot use ${what}_as_list and ${what}_as_ids query params at the same time.`)
    }
  }
  const more: { parents?: unknown; subtree?: unknown } = {}
  if (asks('parents_as_list') || asks('parents_as_ids')) {
    const above = await ancestorsOf(deps.database.db, row)
    more.parents = asks('parents_as_ids') ? parentIds(above) : await listOf(above, deps, request)
  }
  if (asks('subtree_as_list') || asks('subtree_as_ids')) {
    const below = await descendantsOf(deps.database.db, row.id)
    more.subtree = asks('subtree_as_ids') ? childIds(row.id, below) : await listOf(below, deps, request)
  }
  return more
}

const parentIds = (above: readonly Project[]): Ids =>
  above.toReversed().reduce<Ids>((inner, project) => ({ [project.id]: inner }), null)

function childIds(id: string, all: readonly Project[]): Ids {
  const children = all.filter((project) => project.parent_id === id)
  if (children.length === 0) return null
  return Object.fromEntries(children.map((child) => [child.id, childIds(child.id, all)]))
}

/** Those of the projects on which the caller has a role, as keystone lists them. */
async function listOf(rows: readonly Project[], deps: IdentityDeps, { ctx, query, baseUrl }: ApiRequest) {
  const { db } = deps.database
  const own = new Set((await targetsOf(db, ctx.userId, false)).map((project) => project.id))
  const shown = await viewProjects(
    rows.filter((row) => own.has(row.id)),
    deps,
  )
  const isWithLimits = isFlagged(query, 'include_limits')
  const limits = isWithLimits ? await listRows(db, 'limits', { project_id: shown.map((each) => each.id) }) : []
  return shown.map((project) => ({
    project: {
      ...withLinks(baseUrl, 'projects', project),
      ...(isWithLimits && { limits: limits.filter((limit) => limit.project_id === project.id).map(viewLimit) }),
    },
  }))
}
