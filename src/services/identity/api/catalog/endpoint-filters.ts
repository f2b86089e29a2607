/** OS-EP-FILTER: which endpoints a project finds in its catalog. */
import { NotFound } from '../../../../platform/errors.ts'
import type { ApiRequest, Method, ParamsOf, Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict } from '../../errors.ts'
import { policy } from '../../policies.ts'
import {
  endpointsOfProject,
  groupsOfProject,
  isInGroup,
  projectsOfEndpoint,
  projectsOfGroup,
} from '../../store/endpoint-filters.ts'
import { deleteRows, findRow, insertRow, listRows, type Row } from '../../store/rows.ts'
import { collection, withLinks, type Collection } from '../links.ts'
import { projectAnswer, viewProjects } from '../projects/view.ts'
import { projects } from '../projects/resource.ts'
import { load } from '../kit/entity.ts'
import { endpointGroupAnswer, endpointGroupRoutes, endpointGroups, viewEndpointGroup } from './endpoint-groups.ts'
import { endpointAnswer, endpoints, viewEndpoint } from './endpoints.ts'
import type { TObject } from 'typebox'
import { exactly, type Shown } from '../../../../platform/http/answers.ts'
import { linked, listAnswer, self, text } from '../answers.ts'

const base = '/OS-EP-FILTER'

/** A request for a path below `base`. */
type Request<Path extends string> = ApiRequest<unknown, ParamsOf<`${typeof base}${Path}`>>

const get = <const Path extends string>(
  path: Path,
  rule: string,
  shows: { 200: TObject },
  answer: (request: Request<Path>, deps: IdentityDeps) => Promise<Collection>,
) =>
  route({
    method: 'GET',
    path: `${base}${path}`,
    policy: policy(rule),
    answer: shows,
    async handle(request, deps) {
      request.ctx.authorize(policy(rule))
      return answer(request, deps)
    },
  })

/** What the links of an answer are made of. */
type Place = Pick<ApiRequest, 'baseUrl' | 'url'>

const listing = (request: Place, plural: string, items: readonly { id: string }[], place = plural) =>
  collection(
    plural,
    items.map((item) => withLinks(request.baseUrl, place, item)),
    request.baseUrl + request.url,
  )

const listProjects = async (request: Place, deps: IdentityDeps, rows: Row<'projects'>[]) =>
  listing(request, 'projects', await viewProjects(rows, deps))

const projectsAnswer = listAnswer('projects', linked(projectAnswer))
const endpointsAnswer = listAnswer('endpoints', linked(endpointAnswer))
const groupsAnswer = listAnswer('endpoint_groups', linked(endpointGroupAnswer))

const lists = [
  get('/endpoints/:endpoint_id/projects', 'list_projects_for_endpoint', projectsAnswer, async (request, deps) => {
    const endpoint = await load(endpoints, deps, request.params.endpoint_id)
    return listProjects(request, deps, await projectsOfEndpoint(deps.database.db, endpoint.id))
  }),
  get('/projects/:project_id/endpoints', 'list_endpoints_for_project', endpointsAnswer, async (request, deps) => {
    const project = await load(projects, deps, request.params.project_id)
    const rows = await endpointsOfProject(deps.database.db, project.id)
    return listing(request, 'endpoints', rows.map(viewEndpoint))
  }),
  get(
    '/projects/:project_id/endpoint_groups',
    'list_endpoint_groups_for_project',
    groupsAnswer,
    async (request, deps) => {
      const project = await load(projects, deps, request.params.project_id)
      const rows = await groupsOfProject(deps.database.db, project.id)
      return listing(request, 'endpoint_groups', rows.map(viewEndpointGroup), `${base.slice(1)}/endpoint_groups`)
    },
  ),
  get(
    '/endpoint_groups/:group_id/endpoints',
    'list_endpoints_associated_with_endpoint_group',
    endpointsAnswer,
    async (request, deps) => {
      const group = await load(endpointGroups, deps, request.params.group_id)
      const all = await listRows(deps.database.db, 'endpoints')
      return listing(request, 'endpoints', all.filter((endpoint) => isInGroup(endpoint, group)).map(viewEndpoint))
    },
  ),
  get(
    '/endpoint_groups/:group_id/projects',
    'list_projects_associated_with_endpoint_group',
    projectsAnswer,
    async (request, deps) => {
      const group = await load(endpointGroups, deps, request.params.group_id)
      return listProjects(request, deps, await projectsOfGroup(deps.database.db, group.id))
    },
  ),
]

const tieAnswer = exactly({
  project_endpoint_group: exactly({ project_id: text, endpoint_group_id: text, links: self }),
})

/** Put, look up and take away one association; the catalogs follow at once. */
const associate = <const Path extends string>(
  method: Method,
  path: Path,
  rule: string,
  act: (request: Request<Path>, deps: IdentityDeps) => Promise<Shown<typeof tieAnswer> | void>,
) =>
  route({
    method,
    path: `${base}${path}`,
    policy: policy(rule),
    answer: { 200: tieAnswer, 204: null },
    async handle(request, deps) {
      request.ctx.authorize(policy(rule))
      const body = await act(request, deps)
      if (method !== 'GET') deps.changed()
      return body ? { status: 200, body } : { status: 204 }
    },
  })

const onEndpoint = '/projects/:project_id/endpoints/:endpoint_id'
const endpointPair = async ({ params }: Request<typeof onEndpoint>, deps: IdentityDeps) => {
  const endpoint = await load(endpoints, deps, params.endpoint_id)
  const project = await load(projects, deps, params.project_id)
  return { endpoint_id: endpoint.id, project_id: project.id }
}
const notInProject = ({ params }: Request<typeof onEndpoint>) =>
  new NotFound(`Endpoint ${params.endpoint_id} not found in project ${params.project_id}`)

const onGroup = '/endpoint_groups/:group_id/projects/:project_id'
const groupPair = async ({ params }: Request<typeof onGroup>, deps: IdentityDeps) => {
  const project = await load(projects, deps, params.project_id)
  const group = await load(endpointGroups, deps, params.group_id)
  return { endpoint_group_id: group.id, project_id: project.id }
}
const noSuchMembership = () => new NotFound('Endpoint Group Project Association not found')

const associations = [
  associate('PUT', onEndpoint, 'add_endpoint_to_project', async (request, deps) => {
    const isNew = await insertRow(deps.database.db, 'project_endpoints', await endpointPair(request, deps))
    if (!isNew) throw new IdentityConflict('project_endpoint', 'Duplicate entry')
  }),
  associate('GET', onEndpoint, 'check_endpoint_in_project', async (request, deps) => {
    const row = await findRow(deps.database.db, 'project_endpoints', await endpointPair(request, deps))
    if (!row) throw notInProject(request)
  }),
  associate('DELETE', onEndpoint, 'remove_endpoint_from_project', async (request, deps) => {
    const { project_id, endpoint_id } = request.params
    if ((await deleteRows(deps.database.db, 'project_endpoints', { project_id, endpoint_id })) === 0) {
      throw notInProject(request)
    }
  }),
  associate('PUT', onGroup, 'add_endpoint_group_to_project', async (request, deps) => {
    const isNew = await insertRow(deps.database.db, 'project_endpoint_groups', await groupPair(request, deps))
    if (!isNew) throw new IdentityConflict('project_endpoint_group', 'Duplicate entry')
  }),
  associate('GET', onGroup, 'get_endpoint_group_in_project', async (request, deps) => {
    const pair = await groupPair(request, deps)
    if (!(await findRow(deps.database.db, 'project_endpoint_groups', pair))) throw noSuchMembership()
    const self = `${request.baseUrl}/v3${base}/endpoint_groups/${pair.endpoint_group_id}/projects/${pair.project_id}`
    return { project_endpoint_group: { ...pair, links: { self } } }
  }),
  associate('DELETE', onGroup, 'remove_endpoint_group_from_project', async (request, deps) => {
    const pair = await groupPair(request, deps)
    if ((await deleteRows(deps.database.db, 'project_endpoint_groups', pair)) === 0) throw noSuchMembership()
  }),
]

export const endpointFilterRoutes: Route<IdentityDeps>[] = [...endpointGroupRoutes, ...lists, ...associations]
