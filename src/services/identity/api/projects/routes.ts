/** Projects and their tags. */
import { Type } from 'typebox'
import type { ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound, ValidationFailed } from '../../errors.ts'
import { setTags, tagsOf } from '../../operations/projects.ts'
import { policy } from '../../policies.ts'
import { deleteRows, findRow, insertRow, type Row } from '../../store/rows.ts'
import { requireMutable } from '../immutable.ts'
import { kinds } from '../schema.ts'
import { projectEntityRoutes, projects } from './resource.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { pageLinks, texts } from '../answers.ts'

type Project = Row<'projects'>

async function load(
  { ctx, params }: Pick<ApiRequest<unknown, { id: string }>, 'ctx' | 'params'>,
  deps: IdentityDeps,
  rule: string,
): Promise<Project> {
  const id = params.id
  const row = await findRow(deps.database.db, 'projects', { id })
  ctx.authorize(policy(rule), row ? projects.target(row) : {})
  if (!row) throw new IdentityNotFound('project', id)
  return row
}

const tagsPath = '/projects/:id/tags'
const tagLinks = (baseUrl: string, id: string) => ({
  next: null,
  previous: null,
  self: `${baseUrl}/v3/projects/${id}/tags`,
})

const tagsAnswer = { 200: exactly({ tags: texts, links: pageLinks }) }

const listTags = route({
  method: 'GET',
  path: tagsPath,
  policy: policy('list_project_tags'),
  answer: tagsAnswer,
  async handle(request, deps) {
    const { id } = await load(request, deps, 'list_project_tags')
    return { status: 200, body: { tags: await tagsOf(deps, id), links: tagLinks(request.baseUrl, id) } }
  },
})

const replaceTags = route({
  method: 'PUT',
  path: tagsPath,
  policy: policy('update_project_tags'),
  body: Type.Object({ tags: kinds.tags }, { additionalProperties: false }),
  answer: tagsAnswer,
  async handle(request, deps) {
    const row = await load(request, deps, 'update_project_tags')
    requireMutable(row, 'project', {})
    await setTags(deps, row.id, request.body.tags)
    return { status: 200, body: { tags: await tagsOf(deps, row.id), links: tagLinks(request.baseUrl, row.id) } }
  },
})

const clearTags = route({
  method: 'DELETE',
  path: tagsPath,
  policy: policy('delete_project_tags'),
  answer: { 204: null },
  async handle(request, deps) {
    const row = await load(request, deps, 'delete_project_tags')
    requireMutable(row, 'project', {})
    await setTags(deps, row.id, [])
    return { status: 204 }
  },
})

const showTag = route({
  method: 'GET',
  path: `${tagsPath}/:tag`,
  policy: policy('get_project_tag'),
  answer: { 204: null },
  async handle(request, deps) {
    const { id } = await load(request, deps, 'get_project_tag')
    await requireTag(deps, id, request.params.tag)
    return { status: 204 }
  },
})

async function requireTag(deps: IdentityDeps, projectId: string, tag: string) {
  if (!(await findRow(deps.database.db, 'project_tags', { project_id: projectId, tag })))
    throw new IdentityNotFound('project tag', tag)
}

const addTag = route({
  method: 'PUT',
  path: `${tagsPath}/:tag`,
  policy: policy('create_project_tag'),
  answer: { 201: null },
  async handle(request, deps) {
    const row = await load(request, deps, 'create_project_tag')
    requireMutable(row, 'project', {})
    const tag = request.params.tag
    const tags = await tagsOf(deps, row.id)
    if (tag.length > 255 || /[,/]/.test(tag) || tag === '')
      throw new ValidationFailed(`Invalid input for field 'tag': '${tag}' is not a valid tag.`)
    if (!tags.includes(tag) && tags.length >= 80)
      throw new ValidationFailed("Invalid input for field 'tags': a project has at most 80 tags.")
    await insertRow(deps.database.db, 'project_tags', { project_id: row.id, tag })
    const self = `${request.baseUrl}/v3/projects/${row.id}/tags/${encodeURIComponent(tag)}`
    return { status: 201, headers: { Location: self } }
  },
})

const removeTag = route({
  method: 'DELETE',
  path: `${tagsPath}/:tag`,
  policy: policy('delete_project_tag'),
  answer: { 204: null },
  async handle(request, deps) {
    const row = await load(request, deps, 'delete_project_tag')
    requireMutable(row, 'project', {})
    const tag = request.params.tag
    await requireTag(deps, row.id, tag)
    await deleteRows(deps.database.db, 'project_tags', { project_id: row.id, tag })
    return { status: 204 }
  },
})

export const projectRoutes = [...projectEntityRoutes, listTags, replaceTags, clearTags, showTag, addTag, removeTag]
