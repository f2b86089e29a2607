/** Which agents serve networks and carry routers, seen from either side. */
import { route } from './route.ts'
import type { NetworkDeps } from '../deps.ts'
import {
  addNetwork,
  addRouter,
  agentsOfNetwork,
  agentsOfRouter,
  networksOn,
  removeNetworkFrom,
  removeRouterFrom,
  routersOn,
} from '../operations/schedule.ts'
import { policy } from '../policies.ts'
import type { NetworkDb, Row } from '../store/rows.ts'
import { agentAnswer, viewAgent, visibleAgent } from './agents.ts'
import { visible } from './kit/seen.ts'
import { listAnswer } from './kit/answers.ts'
import { page, type View } from './kit/listing.ts'
import { closed, kinds } from './kit/schema.ts'
import { networks } from './networks/view.ts'
import { routers } from './routers/view.ts'

/** What an agent has: networks or routers. */
const ofAgent = (
  what: 'dhcp-networks' | 'l3-routers',
  views: (agent: Row<'agents'>, deps: NetworkDeps) => Promise<View[]>,
) =>
  route({
    method: 'GET',
    path: `/agents/:id/${what}`,
    policy: policy(`get_${what}`),
    answer: what === 'dhcp-networks' ? listAnswer('networks', networks.answer) : listAnswer('routers', routers.answer),
    async handle(request, deps) {
      const agent = await visibleAgent(request.ctx, deps, request.params.id)
      request.ctx.authorize(policy(`get_${what}`))
      return page(what === 'dhcp-networks' ? 'networks' : 'routers', await views(agent, deps), request)
    },
  })

const networksOfAgent = ofAgent('dhcp-networks', async (agent, deps) => {
  const { db } = deps.database
  return networks.views(db, await networksOn(db, agent), deps)
})
const routersOfAgent = ofAgent('l3-routers', async (agent, deps) => {
  const { db } = deps.database
  return routers.views(db, await routersOn(db, agent), deps)
})

/** The agents that something is on. */
const agentsOf = (
  collection: 'networks' | 'routers',
  what: 'dhcp-agents' | 'l3-agents',
  find: (db: NetworkDb, id: string) => Promise<Row<'agents'>[]>,
) =>
  route({
    method: 'GET',
    path: `/${collection}/:id/${what}`,
    policy: policy(`get_${what}`),
    answer: listAnswer('agents', agentAnswer),
    async handle(request, deps) {
      const { db } = deps.database
      if (collection === 'networks') await visible(networks, request.ctx, db, request.params.id)
      else await visible(routers, request.ctx, db, request.params.id)
      request.ctx.authorize(policy(`get_${what}`))
      const agents = await find(db, request.params.id)
      return page(
        'agents',
        agents.map((agent) => viewAgent(agent, deps)),
        request,
      )
    },
  })

/** What was made has no form of its own; clients read JSON all the same. */
const madeNothing = { status: 201, headers: { 'Content-Type': 'application/json' }, body: 'null' } as const

const addNetworkRoute = route({
  method: 'POST',
  path: '/agents/:id/dhcp-networks',
  policy: policy('create_dhcp-network'),
  body: closed({ network_id: kinds.uuid }),
  answer: { 201: 'application/json' },
  async handle({ ctx, params, body }, deps) {
    const agent = await visibleAgent(ctx, deps, params.id)
    ctx.authorize(policy('create_dhcp-network'))
    await deps.change(async (tx) => {
      const { row } = await visible(networks, ctx, tx, body.network_id)
      await addNetwork(tx, deps, agent, row)
    })
    return madeNothing
  },
})

const addRouterRoute = route({
  method: 'POST',
  path: '/agents/:id/l3-routers',
  policy: policy('create_l3-router'),
  body: closed({ router_id: kinds.uuid }),
  answer: { 201: 'application/json' },
  async handle({ ctx, params, body }, deps) {
    const agent = await visibleAgent(ctx, deps, params.id)
    ctx.authorize(policy('create_l3-router'))
    await deps.change(async (tx) => {
      const { row } = await visible(routers, ctx, tx, body.router_id)
      await addRouter(tx, deps, agent, row)
    })
    return madeNothing
  },
})

const removeNetworkRoute = route({
  method: 'DELETE',
  path: '/agents/:id/dhcp-networks/:network_id',
  policy: policy('delete_dhcp-network'),
  answer: { 204: null },
  async handle(request, deps) {
    const agent = await visibleAgent(request.ctx, deps, request.params.id)
    request.ctx.authorize(policy('delete_dhcp-network'))
    await deps.change((tx) => removeNetworkFrom(tx, agent, request.params.network_id))
    return { status: 204 }
  },
})

const removeRouterRoute = route({
  method: 'DELETE',
  path: '/agents/:id/l3-routers/:router_id',
  policy: policy('delete_l3-router'),
  answer: { 204: null },
  async handle(request, deps) {
    const agent = await visibleAgent(request.ctx, deps, request.params.id)
    request.ctx.authorize(policy('delete_l3-router'))
    await deps.change((tx) => removeRouterFrom(tx, deps, agent, request.params.router_id))
    return { status: 204 }
  },
})

export const schedulerRoutes = [
  networksOfAgent,
  routersOfAgent,
  agentsOf('networks', 'dhcp-agents', agentsOfNetwork),
  agentsOf('routers', 'l3-agents', agentsOfRouter),
  addNetworkRoute,
  addRouterRoute,
  removeNetworkRoute,
  removeRouterRoute,
]
