import { Type } from 'typebox'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import type { NetworkDeps } from '../deps.ts'
import { agentNotFound } from '../errors.ts'
import { isAlive } from '../ml2/binding.ts'
import { policy } from '../policies.ts'
import { deleteRows, findRow, listRows, updateRow, type Row } from '../store/rows.ts'
import { page, pick, type View } from './listing.ts'
import { kinds } from './schema.ts'

const time = (ms: number) => new Date(Number(ms)).toISOString().slice(0, 19).replace('T', ' ')

const view = (row: Row<'agents'>, deps: NetworkDeps): View => ({
  id: row.id,
  agent_type: row.agent_type,
  binary: row.binary_name,
  host: row.host,
  topic: row.agent_type === 'DHCP agent' ? 'dhcp_agent' : row.agent_type === 'L3 agent' ? 'l3_agent' : 'N/A',
  admin_state_up: row.admin_state_up === 1,
  alive: isAlive(row, deps),
  availability_zone: /DHCP|L3/.test(row.agent_type) ? 'nova' : null,
  configurations: {
    ...(JSON.parse(row.configurations) as object),
    ...(row.error !== null && { last_error: row.error }),
  },
  created_at: time(row.created_at),
  started_at: time(row.started_at),
  heartbeat_timestamp: time(row.heartbeat_at),
  description: row.description || null,
  resources_synced: null,
})

async function load({ database: { db } }: NetworkDeps, id: string): Promise<Row<'agents'>> {
  const row = await findRow(db, 'agents', { id })
  if (!row) throw agentNotFound(id)
  return row
}

const list = route({
  method: 'GET',
  path: '/agents',
  policy: policy('get_agent'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, deps: NetworkDeps) {
    ctx.authorize(policy('get_agent'))
    const rows = await listRows(deps.database.db, 'agents')
    return page(
      'agents',
      rows.map((row) => view(row, deps)),
      query,
      baseUrl + url,
    )
  },
})

const show = route({
  method: 'GET',
  path: '/agents/:id',
  policy: policy('get_agent'),
  async handle({ ctx, params, query }: ApiRequest<never>, deps: NetworkDeps) {
    ctx.authorize(policy('get_agent'))
    return { status: 200, body: { agent: pick(view(await load(deps, params['id'] ?? ''), deps), query) } }
  },
})

const update = route({
  method: 'PUT',
  path: '/agents/:id',
  policy: policy('update_agent'),
  body: Type.Object({
    agent: Type.Object(
      { admin_state_up: Type.Optional(kinds.boolean), description: Type.Optional(kinds.name) },
      { additionalProperties: false },
    ),
  }),
  async handle({ ctx, params, body: { agent } }, deps: NetworkDeps) {
    ctx.authorize(policy('update_agent'))
    const row = await load(deps, params['id'] ?? '')
    await updateRow(deps.database.db, 'agents', row.id, {
      ...(agent.admin_state_up !== undefined && { admin_state_up: agent.admin_state_up ? 1 : 0 }),
      ...(agent.description !== undefined && { description: agent.description }),
    })
    return { status: 200, body: { agent: view(await load(deps, row.id), deps) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/agents/:id',
  policy: policy('delete_agent'),
  async handle({ ctx, params }: ApiRequest<never>, deps: NetworkDeps) {
    ctx.authorize(policy('delete_agent'))
    const row = await load(deps, params['id'] ?? '')
    await deleteRows(deps.database.db, 'agents', { id: row.id })
    return { status: 204 }
  },
})

export const agentRoutes = [list, show, update, remove] as Route<NetworkDeps>[]
