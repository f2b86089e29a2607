/** What is derived from other resources: automatic topologies and how full networks are. */
import type { ApiRequest } from '../../../platform/http/route.ts'
import { Type } from 'typebox'
import { route } from './route.ts'
import { badRequestFor, networkNotFound } from '../errors.ts'
import { parseAddress } from '../model/address.ts'
import { ensureTopology, removeTopology, topologyParts } from '../operations/auto-topology.ts'
import { policy } from '../policies.ts'
import { countAllocations } from '../store/ports.ts'
import { listRows, parseList, type NetworkDb, type Row } from '../store/rows.ts'
import { listAnswer, showAnswer, shown } from './kit/answers.ts'
import { page, pick, requireKnown, type View } from './kit/listing.ts'
import { closed } from './kit/schema.ts'
import { ownedBy } from './kit/targets.ts'

const topologyAnswer = closed({
  auto_allocated_topology: closed({ id: shown.text, project_id: shown.text, tenant_id: shown.text }),
})
const counts = { total_ips: shown.integer, used_ips: shown.integer }
const availabilityAnswer = closed({
  network_id: shown.text,
  network_name: shown.text,
  project_id: shown.text,
  tenant_id: shown.text,
  ...counts,
  subnet_ip_availability: Type.Array(
    closed({
      subnet_id: shown.text,
      subnet_name: shown.text,
      ip_version: shown.integer,
      cidr: shown.text,
      ...counts,
    }),
  ),
})
const providerAnswer = closed({ service_type: shown.text, name: shown.text, default: shown.boolean })

/** `None` is what clients send who mean their own project. */
const projectOf = ({ ctx, params }: Pick<ApiRequest<unknown, { project_id: string }>, 'ctx' | 'params'>): string =>
  params.project_id === 'None' || params.project_id === 'null' ? (ctx.projectId ?? '') : params.project_id

const showTopology = route({
  method: 'GET',
  path: '/auto-allocated-topology/:project_id',
  policy: policy('get_auto_allocated_topology'),
  answer: { 200: topologyAnswer },
  async handle(request, deps) {
    const { ctx, query } = request
    const projectId = projectOf(request)
    ctx.authorize(policy('get_auto_allocated_topology'), ownedBy(projectId))
    const answer = (id: string) => ({
      status: 200 as const,
      body: { auto_allocated_topology: { id, project_id: projectId, tenant_id: projectId } },
    })
    const fields = query['fields'] ?? []
    if (fields.includes('dry-run')) {
      await topologyParts(deps.database.db)
      return answer('dry-run=pass')
    }
    if (fields.length > 0) throw badRequestFor('auto_allocate', 'Unrecognized field')
    return answer(await deps.change((tx) => ensureTopology(tx, deps, projectId)))
  },
})

const deleteTopology = route({
  method: 'DELETE',
  path: '/auto-allocated-topology/:project_id',
  policy: policy('delete_auto_allocated_topology'),
  answer: { 204: null },
  async handle(request, deps) {
    const projectId = projectOf(request)
    request.ctx.authorize(policy('delete_auto_allocated_topology'), ownedBy(projectId))
    await deps.change((tx) => removeTopology(tx, deps, projectId))
    return { status: 204 }
  },
})

/** How many addresses the pools of a subnet have. */
function totalOf(subnet: Row<'subnets'>): bigint {
  const pools = parseList<{ start: string; end: string }>(subnet.pools)
  return pools.reduce((sum, { start, end }) => sum + parseAddress(end)!.value - parseAddress(start)!.value + 1n, 0n)
}

/** IPv6 subnets have more addresses than a JavaScript number can tell apart; JSON can. */
const exact = (count: bigint): unknown =>
  count <= Number.MAX_SAFE_INTEGER
    ? Number(count)
    : // TypeScript's library does not know it yet.
      (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(count))

async function availability(
  db: NetworkDb,
  networks: readonly Row<'networks'>[],
  versions: readonly string[] | undefined,
): Promise<View[]> {
  const all = await listRows(db, 'subnets', { network_id: networks.map(({ id }) => id) })
  const wanted = versions ? all.filter((subnet) => versions.includes(String(subnet.ip_version))) : all
  const subnets = Map.groupBy(wanted, (subnet) => subnet.network_id)
  const used = await countAllocations(db)
  return networks
    .filter((network) => versions === undefined || subnets.has(network.id))
    .map((network) => {
      const own = subnets.get(network.id) ?? []
      return {
        id: network.id,
        network_id: network.id,
        network_name: network.name,
        project_id: network.project_id,
        tenant_id: network.project_id,
        total_ips: exact(own.reduce((sum, subnet) => sum + totalOf(subnet), 0n)),
        used_ips: own.reduce((sum, subnet) => sum + (used.get(subnet.id) ?? 0), 0),
        subnet_ip_availability: own.map((subnet) => ({
          subnet_id: subnet.id,
          subnet_name: subnet.name,
          ip_version: subnet.ip_version,
          cidr: subnet.cidr,
          total_ips: exact(totalOf(subnet)),
          used_ips: used.get(subnet.id) ?? 0,
        })),
      }
    })
}

const withoutId = ({ id: _id, ...rest }: View) => rest

const listAvailability = route({
  method: 'GET',
  path: '/network-ip-availabilities',
  policy: policy('get_network_ip_availability'),
  answer: listAnswer('network_ip_availabilities', availabilityAnswer),
  async handle(request, { database: { db } }) {
    const { ctx, query } = request
    requireKnown(query, ['network_id', 'network_name', 'project_id', 'tenant_id', 'ip_version'])
    const { network_id: ids, ip_version: versions, ...filters } = query
    const networks = ctx.can(policy('get_network_ip_availability'))
      ? await listRows(db, 'networks', ids && { id: ids })
      : []
    const views = await availability(db, networks, versions)
    const answer = page('network_ip_availabilities', views, { ...request, query: filters })
    const { network_ip_availabilities: found, ...rest } = answer.body as { network_ip_availabilities: View[] }
    return { ...answer, body: { network_ip_availabilities: found.map(withoutId), ...rest } }
  },
})

const showAvailability = route({
  method: 'GET',
  path: '/network-ip-availabilities/:id',
  policy: policy('get_network_ip_availability'),
  answer: showAnswer('network_ip_availability', availabilityAnswer),
  async handle({ ctx, params, query }, { database: { db } }) {
    const id = params.id
    const networks = ctx.can(policy('get_network_ip_availability')) ? await listRows(db, 'networks', { id }) : []
    const [found] = await availability(db, networks, undefined)
    if (!found) throw networkNotFound(id)
    return { status: 200, body: { network_ip_availability: pick(withoutId(found), query) } }
  },
})

/** The one way in which routers are made here, under upstream's name for it. */
const listProviders = route({
  method: 'GET',
  path: '/service-providers',
  policy: policy('get_service_provider'),
  answer: listAnswer('service_providers', providerAnswer),
  handle(request) {
    requireKnown(request.query, ['service_type', 'name', 'default'])
    const all = [{ id: 'single_node', service_type: 'L3_ROUTER_NAT', name: 'single_node', default: true }]
    const answer = page('service_providers', request.ctx.can(policy('get_service_provider')) ? all : [], request)
    const { service_providers: found } = answer.body as { service_providers: View[] }
    return { ...answer, body: { service_providers: found.map(withoutId) } }
  },
})

export const topologyRoutes = [showTopology, deleteTopology, listAvailability, showAvailability, listProviders]
