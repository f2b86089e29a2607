import { canonicalIp } from '../../../../base/ip.ts'
import { last, type ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { ComputeDeps } from '../../deps.ts'
import { Invalid, ServerNotFound } from '../../errors.ts'
import { createServers } from '../../operations/create-server.ts'
import { livingServer, startDelete } from '../../operations/change-server.ts'
import { listAggregates } from '../../store/aggregates.ts'
import { listServices } from '../../store/hosts.ts'
import { listServers } from '../../store/server-list.ts'
import { findServer, updateServer } from '../../store/servers.ts'
import type { Server } from '../../model/server.ts'
import { isTrue, linksOf, nextLink } from '../links.ts'
import { flagOf, limitOf } from '../paging.ts'
import { briefListAnswer, changedAnswer, listAnswer, madeAnswer, showAnswer } from './answers.ts'
import { serverFilter } from './filters.ts'
import { findFor, mayOverrideLock } from './find.ts'
import * as policy from './policy.ts'
import { listQuery } from './query.ts'
import { toNewServer } from './request.ts'
import { createBody, updateBody } from './schema.ts'
import { diskConfigOf, viewServer, viewServerBrief, withoutExtensions, type ViewOptions } from './view.ts'

async function viewOptions(
  { ctx, version, baseUrl }: ApiRequest,
  deps: ComputeDeps,
  projectId: string,
): Promise<ViewOptions> {
  const { db } = deps.database
  const target = { project_id: projectId }
  const seesHosts = version.has('server-host-status') && ctx.can(policy.hostStatus, target)
  const [aggregates, services] = await Promise.all([listAggregates(db), seesHosts ? listServices(db) : []])
  return {
    version,
    baseUrl,
    aggregates,
    defaultZone: deps.config.defaultZone,
    seesExtended: ctx.can(policy.extended, target),
    seesExtraSpecs: ctx.can(policy.showExtraSpecs, target),
    hosts: seesHosts ? { services, downTimeS: deps.config.serviceDownTime } : null,
    seesFaultDetails: ctx.isAdmin,
  }
}

/** The page of servers that is asked for. */
async function list(request: ApiRequest, deps: ComputeDeps, isDetailed: boolean) {
  const { ctx, query } = request
  const target = { project_id: ctx.projectId, user_id: ctx.userId }
  ctx.authorize(isDetailed ? policy.detail : policy.index, target)
  const wantsAll = last(query, 'all_tenants') === '' || flagOf(query, 'all_tenants')
  if (wantsAll) ctx.authorize(isDetailed ? policy.detailAll : policy.indexAll, target)
  const limit = limitOf(query, deps.config.maxLimit)
  const filter = serverFilter(request, limit)
  const projectId = last(query, 'project_id') ?? last(query, 'tenant_id')
  if (filter && wantsAll) filter.projectId = projectId ?? null
  const marker = last(query, 'marker')
  if (filter && marker !== undefined) {
    const found = await findServer(deps.database.db, marker)
    if (!found || (filter.projectId !== null && found.projectId !== filter.projectId)) {
      throw new Invalid(`marker [${marker}] not found`)
    }
    filter.marker = found
  }
  const servers = filter ? await listServers(deps.database.db, filter) : []
  const isFull = servers.length > 0 && servers.length === limit
  return { servers, links: isFull && { servers_links: [nextLink(request, servers.at(-1)!.id)] } }
}

export async function showServer(request: ApiRequest, deps: ComputeDeps, server: Server) {
  const options = await viewOptions(request, deps, server.projectId)
  return {
    ...viewServer(server, options),
    ...(request.version.has('server-groups-of-server') && {
      server_groups: server.groupId === null ? [] : [server.groupId],
    }),
  }
}

export const serverRoutes = [
  route({
    method: 'GET',
    path: '/servers',
    policy: [policy.index, policy.indexAll, policy.allFilters],
    query: listQuery,
    answer: { 200: briefListAnswer },
    async handle(request, deps) {
      const { servers, links } = await list(request, deps, false)
      const views = servers.map((server) => viewServerBrief(server, request.baseUrl))
      return { status: 200, body: { servers: views, ...links } }
    },
  }),
  route({
    method: 'GET',
    path: '/servers/detail',
    policy: [policy.detail, policy.detailAll, policy.allFilters],
    query: listQuery,
    answer: { 200: listAnswer },
    async handle(request, deps) {
      const { servers, links } = await list(request, deps, true)
      const options = await viewOptions(request, deps, request.ctx.projectId ?? '')
      return { status: 200, body: { servers: servers.map((server) => viewServer(server, options)), ...links } }
    },
  }),
  route({
    method: 'POST',
    path: '/servers',
    policy: [policy.create, policy.attachNetwork, policy.forcedHost, policy.requestedDestination],
    body: createBody,
    answer: { 202: madeAnswer },
    bodyLimit: 1 << 20,
    async handle({ ctx, version, body, baseUrl }, deps) {
      const target = { project_id: ctx.projectId, user_id: ctx.userId }
      ctx.authorize(policy.create, target)
      if (ctx.projectId === null) throw new Invalid('A project-scoped token is required to create a server.')
      const input = await toNewServer(ctx, deps, body, version)
      const { servers, adminPass, reservationId } = await createServers(ctx, deps, input)
      if (isTrue(body.server.return_reservation_id ?? false))
        return { status: 202, body: { reservation_id: reservationId } }
      const { id } = servers[0]!
      const links = linksOf(baseUrl, 'servers', id)
      // What was asked for; what the ports have shows the server itself.
      const groups = (input.securityGroups.length > 0 ? input.securityGroups : ['default']).map((name) => ({ name }))
      const created = { id, links, 'OS-DCF:diskConfig': diskConfigOf(servers[0]!), security_groups: groups, adminPass }
      return { status: 202, headers: { Location: links[0]!.href }, body: { server: created } }
    },
  }),
  route({
    method: 'GET',
    path: '/servers/:id',
    policy: [policy.show, policy.extended, policy.hostStatus, policy.showExtraSpecs],
    answer: { 200: showAnswer },
    async handle(request, deps) {
      const server = await findFor(request.ctx, deps, request.params.id, policy.show)
      return { status: 200, body: { server: await showServer(request, deps, server) } }
    },
  }),
  route({
    method: 'PUT',
    path: '/servers/:id',
    policy: policy.update,
    body: updateBody,
    answer: { 200: changedAnswer },
    async handle(request, deps) {
      const { ctx, body } = request
      const server = await findFor(ctx, deps, request.params.id, policy.update)
      const { name, description, hostname, accessIPv4, accessIPv6, 'OS-DCF:diskConfig': disk } = body.server
      await updateServer(deps.database.db, server.id, {
        ...(name !== undefined && { name }),
        ...(description !== undefined && { description }),
        ...(hostname !== undefined && { hostname }),
        ...(accessIPv4 !== undefined && { accessIpv4: accessIPv4 }),
        ...(accessIPv6 !== undefined && { accessIpv6: canonicalIp(accessIPv6) }),
        ...(disk !== undefined && { hasAutoDisk: disk === 'AUTO' }),
      })
      const changed = await livingServer(deps.database.db, server.id)
      const view = await showServer(request, deps, changed)
      // Before 2.75 nova answered a shorter server here.
      return { status: 200, body: { server: request.version.has('cleanup') ? view : withoutExtensions(view) } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/servers/:id',
    policy: policy.remove,
    answer: { 204: null },
    async handle({ ctx, params }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.remove)
      if (server.deletedAt !== null) throw new ServerNotFound(server.id)
      await startDelete(ctx, deps, server.id, mayOverrideLock(ctx, server))
      return { status: 204 }
    },
  }),
]
