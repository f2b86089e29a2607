import { exactly, since } from '../../../../platform/http/answers.ts'
import { rule } from '../../../../platform/auth/policy.ts'
import { last, type ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { Db } from '../../../../platform/db/database.ts'
import type { ComputeSchema } from '../../store/tables.ts'
import type { ComputeDeps } from '../../deps.ts'
import { ServiceError, Invalid, NotFound } from '../../errors.ts'
import { isUp, type Host } from '../../model/host.ts'
import { findHost, listHosts, pageHosts, usageByHost, type HostUsage } from '../../store/hosts.ts'
import { listServers } from '../../store/server-list.ts'
import { number, text } from '../answers.ts'
import { admin } from '../base-policy.ts'
import { isTrue, nextLink } from '../links.ts'
import { limitOf } from '../paging.ts'
import { amounts, bare, ended, full, listOf, listQuery, namedServers, searchAnswer, showQuery } from './schema.ts'
import { briefly, detailed, none } from './view.ts'

const list = rule('os_compute_api:os-hypervisors:list', admin, 'List hypervisors', 'GET /os-hypervisors')
const listDetail = rule(
  'os_compute_api:os-hypervisors:list-detail',
  admin,
  'List hypervisors with detail',
  'GET /os-hypervisors/detail',
)
const statistics = rule(
  'os_compute_api:os-hypervisors:statistics',
  admin,
  'Summary of all hypervisors',
  'GET /os-hypervisors/statistics',
)
const show = rule(
  'os_compute_api:os-hypervisors:show',
  admin,
  'Show a hypervisor',
  'GET /os-hypervisors/{hypervisor_id}',
)

const search = rule(
  'os_compute_api:os-hypervisors:search',
  admin,
  'Search hypervisors',
  'GET /os-hypervisors/{pattern}/search',
)
const servers = rule(
  'os_compute_api:os-hypervisors:servers',
  admin,
  'List servers of hypervisors',
  'GET /os-hypervisors/{pattern}/servers',
)
const uptime = rule(
  'os_compute_api:os-hypervisors:uptime',
  admin,
  'Show how long a hypervisor is up',
  'GET /os-hypervisors/{hypervisor_id}/uptime',
)
export const hypervisorRules = [list, listDetail, statistics, show, search, servers, uptime]

async function serversOf(deps: ComputeDeps, hosts: readonly Host[]) {
  const found = await listServers(deps.database.db, {
    projectId: null,
    isDeleted: false,
    equal: {},
    anyOf: { host: hosts.map(({ host }) => host) },
    sort: [{ column: 'created_at', isDescending: false }],
    limit: 100_000,
  })
  return (host: Host) => found.filter((server) => server.host === host.host).map(({ id, name }) => ({ uuid: id, name }))
}

/** How the hosts of a page look, with what has to be read for all of them. */
type ViewOf<T> = (page: readonly Host[]) => Promise<(host: Host) => T>

/** The page of hosts that is asked for; the marker of the next one where there is one. */
async function pageFor({ query, version }: ApiRequest, { database: { db }, config }: ComputeDeps) {
  const pattern = version.has('service-uuid') ? last(query, 'hypervisor_hostname_pattern') : undefined
  const marker = last(query, 'marker')
  if (pattern !== undefined && (last(query, 'limit') !== undefined || marker !== undefined))
    throw new Invalid('Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.')
  if (pattern !== undefined) return { page: await matching(db, pattern), next: undefined }
  if (!version.has('hypervisor-paging')) return { page: await listHosts(db), next: undefined }
  const limit = limitOf(query, config.maxLimit)
  const after = marker === undefined ? undefined : await findHost(db, nodeOf(marker, version))
  if (marker !== undefined && !after) throw new Invalid(`marker [${marker}] not found`)
  const hosts = await pageHosts(db, { after: after?.seq, limit: limit + 1 })
  const page = hosts.slice(0, limit)
  const end = hosts.length > limit ? page.at(-1) : undefined
  return { page, next: end && String(version.has('service-uuid') ? end.id : end.seq) }
}

/** How a node is named: by its number until it has an id. */
const nodeOf = (name: string, version: ApiVersion) =>
  version.has('service-uuid') ? { id: name } : { seq: Number(/^\d{1,15}$/.test(name) ? name : -1) }

async function listing<T extends object>(request: ApiRequest, deps: ComputeDeps, viewOf: ViewOf<T>) {
  const { query, version } = request
  const { page, next } = await pageFor(request, deps)
  const withServers = version.has('service-uuid') && isTrue(last(query, 'with_servers') ?? '')
  const view = await viewOf(page)
  const names = withServers ? await serversOf(deps, page) : undefined
  return {
    status: 200 as const,
    body: {
      hypervisors: page.map((host) => ({ ...view(host), ...(names && { servers: names(host) }) })),
      ...(next !== undefined && { hypervisors_links: [nextLink(request, next)] }),
    },
  }
}

/** Since 2.88 a host says how long it is up, and no longer what is used of it. */
async function detailOf(page: readonly Host[], version: ApiVersion, deps: ComputeDeps) {
  if (version.has(ended)) {
    const ups = new Map(await Promise.all(page.map(async (host) => [host.id, await uptimeIfUp(deps, host)] as const)))
    return (host: Host) => detailed(host, version, deps, none, ups.get(host.id))
  }
  const usage = await usageByHost(deps.database.db)
  return (host: Host) => detailed(host, version, deps, usage.get(host.host) ?? none)
}

async function find({ database }: ComputeDeps, id: string, version: ApiVersion): Promise<Host> {
  if (version.has('service-uuid') && !/^[0-9a-f-]{36}$/i.test(id)) throw new Invalid(`Invalid uuid ${id}`)
  const found = await findHost(database.db, nodeOf(id, version))
  if (!found) throw new NotFound(`Hypervisor with ID '${id}' could not be found.`)
  return found
}

/** What its host says; null where the driver does not know. */
const uptimeOf = async ({ agents }: ComputeDeps, host: Host): Promise<string | null> =>
  (await agents.getHostUptime(host.host, {}, { timeoutMs: 10_000 })).uptime

/** For where it is one line of many: a host that is down does not keep its list waiting. */
const uptimeIfUp = async (deps: ComputeDeps, host: Host): Promise<string | null> =>
  isUp(host.service, deps.config.serviceDownTime) ? uptimeOf(deps, host).catch(() => null) : null

export const hypervisorRoutes = [
  route({
    method: 'GET',
    path: '/os-hypervisors',
    policy: list,
    query: listQuery,
    answer: { 200: listOf(exactly({ ...bare, servers: since('service-uuid', namedServers) })) },
    handle(request, deps) {
      request.ctx.authorize(list)
      return listing(request, deps, async () => (host) => briefly(host, request.version, deps))
    },
  }),
  route({
    method: 'GET',
    path: '/os-hypervisors/detail',
    policy: listDetail,
    query: listQuery,
    answer: { 200: listOf(full) },
    handle(request, deps) {
      request.ctx.authorize(listDetail)
      return listing(request, deps, (page) => detailOf(page, request.version, deps))
    },
  }),
  route({
    method: 'GET',
    path: '/os-hypervisors/statistics',
    until: 'hypervisor-without-statistics',
    policy: statistics,
    answer: { 200: exactly({ hypervisor_statistics: exactly({ count: number, ...amounts }) }) },
    async handle({ ctx }, { database, config }) {
      ctx.authorize(statistics)
      const [hosts, usage] = await Promise.all([listHosts(database.db), usageByHost(database.db)])
      const total = (pick: (host: Host, use: HostUsage) => number) =>
        hosts.reduce((sum, host) => sum + pick(host, usage.get(host.host) ?? none), 0)
      const memory = total(({ report }) => report.memoryMb)
      const memoryUsed = total((_host, use) => use.memoryMb + config.reservedMemoryMb)
      const disk = total(({ report }) => report.diskGb)
      const diskUsed = total((_host, use) => use.diskGb)
      return {
        status: 200,
        body: {
          hypervisor_statistics: {
            count: hosts.length,
            vcpus: total(({ report }) => report.vcpus),
            vcpus_used: total((_host, use) => use.vcpus),
            memory_mb: memory,
            memory_mb_used: memoryUsed,
            free_ram_mb: memory - memoryUsed,
            local_gb: disk,
            local_gb_used: diskUsed,
            free_disk_gb: disk - diskUsed,
            disk_available_least: disk - diskUsed,
            current_workload: 0,
            running_vms: total((_host, use) => use.servers),
          },
        },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/os-hypervisors/:id',
    policy: show,
    query: showQuery,
    answer: { 200: exactly({ hypervisor: full }) },
    async handle({ ctx, params, version, query }, deps) {
      ctx.authorize(show)
      const host = await find(deps, params.id, version)
      const usage = (await usageByHost(deps.database.db)).get(host.host) ?? none
      const names =
        version.has('service-uuid') && isTrue(last(query, 'with_servers') ?? '')
          ? await serversOf(deps, [host])
          : undefined
      const up = version.has('hypervisor-without-statistics') ? await uptimeIfUp(deps, host) : null
      return {
        status: 200,
        body: { hypervisor: { ...detailed(host, version, deps, usage, up), ...(names && { servers: names(host) }) } },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/os-hypervisors/:id/uptime',
    until: 'hypervisor-without-statistics',
    policy: uptime,
    answer: { 200: exactly({ hypervisor: exactly({ ...bare, uptime: text }) }) },
    async handle({ ctx, params, version }, deps) {
      ctx.authorize(uptime)
      const host = await find(deps, params.id, version)
      if (!isUp(host.service, deps.config.serviceDownTime))
        throw new Invalid(`Compute service of ${host.host} is unavailable at this time.`)
      const up = await uptimeOf(deps, host)
      if (up === null) throw new ServiceError('not-supported', 'The requested functionality is not supported.')
      return { status: 200, body: { hypervisor: { ...briefly(host, version, deps), uptime: up } } }
    },
  }),
  route({
    method: 'GET',
    path: '/os-hypervisors/:pattern/search',
    until: 'service-uuid',
    policy: search,
    answer: { 200: searchAnswer },
    async handle({ ctx, params, version }, deps) {
      ctx.authorize(search)
      return {
        status: 200,
        body: {
          hypervisors: (await matching(deps.database.db, params.pattern)).map((host) => briefly(host, version, deps)),
        },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/os-hypervisors/:pattern/servers',
    until: 'service-uuid',
    policy: servers,
    answer: { 200: searchAnswer },
    async handle({ ctx, params, version }, deps) {
      ctx.authorize(servers)
      const hosts = await matching(deps.database.db, params.pattern)
      const names = await serversOf(deps, hosts)
      const shown = hosts.map((host) => ({
        ...briefly(host, version, deps),
        ...(names(host).length > 0 && { servers: names(host) }),
      }))
      return { status: 200, body: { hypervisors: shown } }
    },
  }),
]

async function matching(db: Db<ComputeSchema>, pattern: string): Promise<Host[]> {
  const hosts = (await listHosts(db)).filter(({ report }) => report.hypervisorHostname.includes(pattern))
  if (hosts.length === 0) throw new NotFound(`No hypervisor matching '${pattern}' could be found.`)
  return hosts
}
