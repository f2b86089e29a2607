import { Type } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import type { Shown } from '../../../platform/http/answers.ts'
import { route } from './route.ts'
import type { NetworkDeps } from '../deps.ts'
import { agentNotFound } from '../errors.ts'
import { isAlive } from '../ml2/binding.ts'
import { defaultZone } from '../operations/zones.ts'
import { policy } from '../policies.ts'
import { deleteRows, findRow, listRows, updateRow, type Row } from '../store/rows.ts'
import { listAnswer, showAnswer, shown } from './kit/answers.ts'
import { page, pick, requireKnown, type View } from './kit/listing.ts'
import { closed, convert, kinds } from './kit/schema.ts'

const time = (ms: number) => new Date(Number(ms)).toISOString().slice(0, 19).replace('T', ' ')

/** Agents that networks and routers are given to are in an availability zone. */
const hasZone = (row: Row<'agents'>) => /DHCP|L3/.test(row.agent_type)

export const agentAnswer = closed({
  id: shown.text,
  agent_type: shown.text,
  binary: shown.text,
  host: shown.text,
  topic: shown.text,
  admin_state_up: shown.boolean,
  alive: shown.boolean,
  availability_zone: shown.nullableText,
  configurations: Type.Record(shown.text, Type.Unknown()),
  created_at: shown.text,
  started_at: shown.text,
  heartbeat_timestamp: shown.text,
  description: shown.nullableText,
})
const zoneAnswer = closed({ name: shown.text, resource: shown.text, state: Type.Enum(['available', 'unavailable']) })

export const viewAgent = (row: Row<'agents'>, deps: NetworkDeps): Shown<typeof agentAnswer> => ({
  id: row.id,
  agent_type: row.agent_type,
  binary: row.binary_name,
  host: row.host,
  topic: row.agent_type === 'DHCP agent' ? 'dhcp_agent' : row.agent_type === 'L3 agent' ? 'l3_agent' : 'N/A',
  admin_state_up: row.admin_state_up === 1,
  alive: isAlive(row, deps),
  availability_zone: hasZone(row) ? defaultZone : null,
  configurations: {
    ...(JSON.parse(row.configurations) as Record<string, unknown>),
    ...(row.error !== null && { last_error: row.error }),
  },
  created_at: time(row.created_at),
  started_at: time(row.started_at),
  heartbeat_timestamp: time(row.heartbeat_at),
  description: row.description || null,
})

const filters = [
  'id',
  'agent_type',
  'binary',
  'topic',
  'host',
  'admin_state_up',
  'alive',
  'description',
  'availability_zone',
]

/** As of any resource: who may not see agents finds none. */
export async function visibleAgent(
  ctx: Context,
  { database: { db } }: NetworkDeps,
  id: string,
): Promise<Row<'agents'>> {
  const row = await findRow(db, 'agents', { id })
  if (!row || !ctx.can(policy('get_agent'))) throw agentNotFound(id)
  return row
}

const list = route({
  method: 'GET',
  path: '/agents',
  policy: policy('get_agent'),
  answer: listAnswer('agents', agentAnswer),
  async handle(request, deps) {
    requireKnown(request.query, filters)
    const rows = request.ctx.can(policy('get_agent')) ? await listRows(deps.database.db, 'agents') : []
    return page(
      'agents',
      rows.map((row) => viewAgent(row, deps)),
      request,
    )
  },
})

const show = route({
  method: 'GET',
  path: '/agents/:id',
  policy: policy('get_agent'),
  answer: showAnswer('agent', agentAnswer),
  async handle({ ctx, params, query }, deps) {
    return {
      status: 200,
      body: { agent: pick(viewAgent(await visibleAgent(ctx, deps, params.id), deps), query) },
    }
  },
})

const changes = closed({ admin_state_up: Type.Optional(kinds.boolean), description: Type.Optional(kinds.nullableText) })

const update = route({
  method: 'PUT',
  path: '/agents/:id',
  policy: policy('update_agent'),
  body: closed({ agent: changes }),
  answer: { 200: closed({ agent: agentAnswer }) },
  async handle({ ctx, params, body }, deps) {
    const row = await visibleAgent(ctx, deps, params.id)
    ctx.authorize(policy('update_agent'))
    const agent = convert(changes, body.agent)
    await updateRow(deps.database.db, 'agents', row.id, {
      ...(agent.admin_state_up !== undefined && { admin_state_up: agent.admin_state_up ? 1 : 0 }),
      ...(agent.description !== undefined && { description: agent.description ?? '' }),
    })
    return { status: 200, body: { agent: viewAgent(await visibleAgent(ctx, deps, row.id), deps) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/agents/:id',
  policy: policy('delete_agent'),
  answer: { 204: null },
  async handle({ ctx, params }, deps) {
    const row = await visibleAgent(ctx, deps, params.id)
    ctx.authorize(policy('delete_agent'))
    await deps.change((tx) => deleteRows(tx, 'agents', { id: row.id }))
    return { status: 204 }
  },
})

/** Zones by what is placed in them; available while one agent of the kind lives. */
const listZones = route({
  method: 'GET',
  path: '/availability_zones',
  policy: policy('get_availability_zone'),
  answer: listAnswer('availability_zones', zoneAnswer),
  async handle(request, deps) {
    requireKnown(request.query, ['name', 'resource', 'state'])
    const rows = request.ctx.can(policy('get_availability_zone')) ? await listRows(deps.database.db, 'agents') : []
    const kindsOfZone = [
      ['DHCP agent', 'network'],
      ['L3 agent', 'router'],
    ] as const
    const views = kindsOfZone.flatMap(([type, resource]) => {
      const agents = rows.filter((row) => row.agent_type === type)
      const isUsable = agents.some((row) => row.admin_state_up === 1 && isAlive(row, deps))
      const zone = { name: defaultZone, resource, state: isUsable ? 'available' : 'unavailable' }
      return agents.length === 0 ? [] : [{ id: resource, ...zone }]
    })
    const answer = page('availability_zones', views, request)
    const { availability_zones: found } = answer.body as { availability_zones: View[] }
    return { ...answer, body: { availability_zones: found.map(({ id: _id, ...zone }) => zone) } }
  },
})

export const agentRoutes = [list, show, update, remove, listZones]
