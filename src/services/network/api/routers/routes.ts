import { Type } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { route } from '../route.ts'
import { badAttribute, badRequestFor, networkNotFound, portNotFound, subnetNotFound } from '../../errors.ts'
import { parseAddress } from '../../model/address.ts'
import type { AddressRequest } from '../../operations/addresses.ts'
import { addPort, addSubnet, removeInterface } from '../../operations/router-interfaces.ts'
import {
  changeRouter,
  changeRoutes,
  insertRouter,
  removeRouter,
  type Gateway,
  type RouterInput,
  type RouteText,
} from '../../operations/routers.ts'
import { policy } from '../../policies.ts'
import { findRow, listRows, parseList, type NetworkDb, type Row } from '../../store/rows.ts'
import { actionRoute, answer, createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { visible } from '../kit/seen.ts'
import { resourceOf, showAnswer } from '../kit/answers.ts'
import { requireRevision } from '../kit/revision.ts'
import { closed, convert, kinds } from '../kit/schema.ts'
import { tagRoutes } from '../kit/tags.ts'
import { networkTarget } from '../networks/view.ts'
import { interfaceAnswer } from './schema.ts'
import { routers } from './view.ts'

const fixedIp = closed({
  subnet_id: Type.Optional(kinds.uuid),
  ip_address: Type.Optional(kinds.ip),
})
const gatewayInfo = kinds.orNull(
  closed({
    network_id: Type.Optional(kinds.uuid),
    enable_snat: Type.Optional(kinds.boolean),
    external_fixed_ips: Type.Optional(Type.Array(fixedIp, { maxItems: 5 })),
  }),
)
const routes = kinds.list(
  closed({ destination: Type.String({ maxLength: 64 }), nexthop: Type.String({ maxLength: 64 }) }),
)
const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  admin_state_up: Type.Optional(kinds.boolean),
  external_gateway_info: Type.Optional(gatewayInfo),
}

type Input = RouterInput & {
  external_gateway_info?: {
    network_id?: string
    enable_snat?: boolean
    external_fixed_ips?: AddressRequest[]
  } | null
}

/** The gateway that a body asks for; null for none, undefined where it says nothing. */
async function gatewayOf(tx: NetworkDb, ctx: Context, input: Input): Promise<Gateway | null | undefined> {
  const info = input.external_gateway_info
  if (info === undefined) return undefined
  if (info === null || Object.keys(info).length === 0) return null
  if (info.network_id === undefined) throw badAttribute('external_gateway_info', "'network_id' is a required property")
  const network = await findRow(tx, 'networks', { id: info.network_id })
  if (!network || !ctx.can(policy('get_network'), networkTarget(network))) throw networkNotFound(info.network_id)
  if (network.is_external === 0) throw badRequestFor('router', `Network ${network.id} is not an external network`)
  return { network, enableSnat: info.enable_snat ?? true, fixedIps: info.external_fixed_ips }
}

/** What somebody may connect to his router: what is his. */
const mayUse = (ctx: Context, row: { project_id: string }) =>
  ctx.isAdmin || ctx.roles.includes('service') || row.project_id === ctx.projectId

async function subnetFor(tx: NetworkDb, ctx: Context, id: string): Promise<Row<'subnets'>> {
  const subnet = await findRow(tx, 'subnets', { id })
  const network = subnet && (await findRow(tx, 'networks', { id: subnet.network_id }))
  if (!subnet || !network || !(mayUse(ctx, subnet) || mayUse(ctx, network) || network.shared === 1))
    throw subnetNotFound(id)
  // His router would answer for the gateway of everybody on a shared network.
  if (!mayUse(ctx, subnet))
    throw badRequestFor(
      'router',
      `Cannot add interface to router because subnet ${id} is not owned by project making the request`,
    )
  return subnet
}

/** An address outside of the pools, such as the gateway's, is for the subnet's owner to give to a router. */
async function requirePooled(tx: NetworkDb, ctx: Context, port: Row<'ports'>): Promise<void> {
  const used = await listRows(tx, 'ip_allocations', { port_id: port.id })
  const subnets = await listRows(tx, 'subnets', { id: used.map((each) => each.subnet_id) })
  const wrong = used.find(({ subnet_id, ip }) => {
    const subnet = subnets.find(({ id }) => id === subnet_id)
    return subnet && !mayUse(ctx, subnet) && !isPooled(subnet, ip)
  })
  if (wrong)
    throw badRequestFor(
      'router',
      `Cannot add interface to router because specified port ${port.id} has an IP address out of the allocation pool of subnet ${wrong.subnet_id}, which is not owned by the project making the request`,
    )
}

function isPooled({ pools }: Row<'subnets'>, ip: string): boolean {
  const value = parseAddress(ip)!.value
  return parseList<{ start: string; end: string }>(pools).some(
    ({ start, end }) => parseAddress(start)!.value <= value && value <= parseAddress(end)!.value,
  )
}

const interfaceBody = closed({ subnet_id: Type.Optional(kinds.uuid), port_id: Type.Optional(kinds.uuid) })
const viewInterface = (router: Row<'routers'>, port: Row<'ports'>, subnetIds: readonly string[]) => ({
  id: router.id,
  project_id: router.project_id,
  tenant_id: router.project_id,
  port_id: port.id,
  network_id: port.network_id,
  subnet_id: subnetIds[0],
  subnet_ids: subnetIds,
})

const addInterface = actionRoute(
  routers,
  'add_router_interface',
  interfaceBody,
  interfaceAnswer,
  async (tx, deps, router, input, ctx) => {
    const { subnet_id: subnetId, port_id: portId } = input
    if (subnetId === undefined && portId === undefined)
      throw badRequestFor('router', 'Either subnet_id or port_id must be specified')
    if (subnetId !== undefined && portId !== undefined)
      throw badRequestFor('router', 'Cannot specify both subnet-id and port-id')
    if (subnetId !== undefined) {
      const port = await addSubnet(tx, deps, router, await subnetFor(tx, ctx, subnetId))
      return viewInterface(router, port, [subnetId])
    }
    const existing = await findRow(tx, 'ports', { id: portId! })
    if (!existing || !mayUse(ctx, existing)) throw portNotFound(portId!)
    await requirePooled(tx, ctx, existing)
    const port = await addPort(tx, deps, router, existing)
    const used = await listRows(tx, 'ip_allocations', { port_id: port.id })
    return viewInterface(
      router,
      port,
      used.map((each) => each.subnet_id),
    )
  },
)

const takeInterface = actionRoute(
  routers,
  'remove_router_interface',
  interfaceBody,
  interfaceAnswer,
  async (tx, _deps, router, input) => {
    if (input.subnet_id === undefined && input.port_id === undefined)
      throw badRequestFor('router', 'Either subnet_id or port_id must be specified')
    const { port, subnetIds } = await removeInterface(tx, router, input)
    return viewInterface(router, port, subnetIds)
  },
)

const extraRoutesBody = closed({ router: closed({ routes }) })

/** Routes are added and taken one by one, so that two who do it at once do not undo each other. */
const extraRoutes = (how: 'add' | 'remove') =>
  route({
    method: 'PUT',
    path: `${routers.path}/:id/${how}_extraroutes`,
    policy: policy(`${how}_extraroutes`),
    body: extraRoutesBody,
    answer: showAnswer('router', resourceOf(routers)),
    async handle({ ctx, params, headers, body, query }, deps) {
      const id = params.id
      const given = convert(extraRoutesBody, body).router.routes as RouteText[]
      await deps.change(async (tx) => {
        const { row, target } = await visible(routers, ctx, tx, id)
        ctx.authorize(policy(`${how}_extraroutes`), target)
        requireRevision(headers, row)
        await changeRoutes(tx, deps, row, given, how)
      })
      return answer(routers, ctx, deps, id, query)
    },
  })

export const routerRoutes = [
  ...readRoutes(routers),
  createRoute(routers, {
    schema: closed({ ...attributes, ...kinds.owner, availability_zone_hints: Type.Optional(kinds.zoneHints) }),
    insert: async (tx, deps, input, projectId, ctx) =>
      insertRouter(tx, deps, projectId, input, (await gatewayOf(tx, ctx, input)) ?? null),
  }),
  updateRoute(routers, {
    schema: closed({ ...attributes, routes: Type.Optional(routes) }),
    apply: async (tx, deps, row, input, ctx) => changeRouter(tx, deps, row, input, await gatewayOf(tx, ctx, input)),
  }),
  removeRoute(routers, (tx, _deps, row) => removeRouter(tx, row)),
  addInterface,
  takeInterface,
  extraRoutes('add'),
  extraRoutes('remove'),
  ...tagRoutes(routers),
]
