/** Tags of a project: all at once and one by one. */
import { Type } from 'typebox'
import { BadRequest } from '../../../../platform/http/errors.ts'
import { route, type ApiRequest } from '../../../../platform/http/route.ts'
import { findProblem } from '../../../../platform/http/schema.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { setTags, tagsOf } from '../../store/projects.ts'
import { deleteRows, findRow, insertRow } from '../../store/rows.ts'
import { kinds } from '../schema.ts'
import { projects } from './resource.ts'

async function projectOf({ ctx, params }: ApiRequest<never>, { database: { db } }: IdentityDeps, rule: string) {
  const id = params['id'] ?? ''
  const row = await findRow(db, 'projects', { id })
  ctx.authorize(policy(rule), row ? projects.target(row) : {})
  if (!row) throw new IdentityNotFound('project', id)
  return row
}

const ofProject = async ({ database: { db } }: IdentityDeps, id: string) => (await tagsOf(db, [id])).get(id)!

const answer = ({ baseUrl, url }: ApiRequest<never>, tags: readonly string[]) => ({
  status: 200,
  body: { links: { self: baseUrl + url }, tags },
})

const list = route({
  method: 'GET',
  path: '/projects/:id/tags',
  policy: policy('list_project_tags'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const project = await projectOf(request, deps, 'list_project_tags')
    return answer(request, await ofProject(deps, project.id))
  },
})

const replace = route({
  method: 'PUT',
  path: '/projects/:id/tags',
  policy: policy('update_project_tags'),
  body: Type.Object({ tags: kinds.tags }),
  async handle(request, deps: IdentityDeps) {
    const project = await projectOf(request as never, deps, 'update_project_tags')
    const { tags } = request.body
    await deps.database.transaction((tx) => setTags(tx, project.id, tags))
    return answer(request as never, tags.toSorted())
  },
})

const removeAll = route({
  method: 'DELETE',
  path: '/projects/:id/tags',
  policy: policy('delete_project_tags'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const project = await projectOf(request, deps, 'delete_project_tags')
    await deleteRows(deps.database.db, 'project_tags', { project_id: project.id })
    return { status: 204 }
  },
})

const noSuchTag = (tag: string) => new IdentityNotFound('project tag', tag)

const check = route({
  method: 'GET',
  path: '/projects/:id/tags/:value',
  policy: policy('get_project_tag'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const project = await projectOf(request, deps, 'get_project_tag')
    const tag = request.params['value'] ?? ''
    if (!(await findRow(deps.database.db, 'project_tags', { project_id: project.id, tag }))) throw noSuchTag(tag)
    return { status: 204 }
  },
})

const add = route({
  method: 'PUT',
  path: '/projects/:id/tags/:value',
  policy: policy('create_project_tag'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const project = await projectOf(request, deps, 'create_project_tag')
    const tag = request.params['value'] ?? ''
    const tags = new Set([...(await ofProject(deps, project.id)), tag])
    const problem = findProblem(kinds.tags, [...tags])
    if (problem) throw new BadRequest(`Invalid input for field 'tags': ${problem.message}`)
    await insertRow(deps.database.db, 'project_tags', { project_id: project.id, tag })
    return {
      status: 201,
      headers: { Location: `${request.baseUrl}/v3/projects/${project.id}/tags/${encodeURIComponent(tag)}` },
    }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/projects/:id/tags/:value',
  policy: policy('delete_project_tag'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const project = await projectOf(request, deps, 'delete_project_tag')
    const tag = request.params['value'] ?? ''
    const count = await deleteRows(deps.database.db, 'project_tags', { project_id: project.id, tag })
    if (count === 0) throw noSuchTag(tag)
    return { status: 204 }
  },
})

export const projectTagRoutes = [list, replace, removeAll, check, add, remove]
