import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { rule } from '../../../../platform/auth/policy.ts'
import { route } from '../route.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import { markPorts, refreshAddresses } from '../../conductor/ports.ts'
import type { ComputeDeps } from '../../deps.ts'
import { NotFound } from '../../errors.ts'
import type { Server } from '../../model/server.ts'
import { startDetachOfDeleted } from '../../operations/interfaces.ts'
import { listServersByIds } from '../../store/servers.ts'
import { number, text } from '../answers.ts'
import { admin } from '../base-policy.ts'
import { strict, uuid } from '../parameter-types.ts'

const create = rule(
  'os_compute_api:os-server-external-events:create',
  admin,
  'Tell of events',
  'POST /os-server-external-events',
)
export const externalEventRules = [create]

const first = ['network-changed', 'network-vif-plugged', 'network-vif-unplugged', 'network-vif-deleted']
const bodyOf = (...more: string[]) => {
  const event = Type.Object(
    {
      server_uuid: uuid,
      name: Type.Enum([...first, ...more]),
      status: Type.Optional(Type.Enum(['failed', 'completed', 'in-progress'])),
      tag: Type.Optional(Type.String({ maxLength: 255 })),
    },
    strict,
  )
  return Type.Object({ events: Type.Array(event, { minItems: 1 }) }, strict)
}
const newer = ['volume-extended', 'power-update', 'accelerator-request-bound', 'volume-reimaged']
const body = bodies(bodyOf(...newer), [
  ['initial', bodyOf()],
  ['action-events-for-owners', bodyOf(...newer.slice(0, 1))],
  ['event-power-update', bodyOf(...newer.slice(0, 2))],
  ['event-accelerator', bodyOf(...newer.slice(0, 3))],
  ['event-volume-reimaged', bodyOf(...newer)],
])

const answer = exactly({
  events: Type.Array(exactly({ server_uuid: text, name: text, status: text, tag: Type.Optional(text), code: number })),
})

/** Work that the teller need not wait for; what fails is only logged, as the next event or the next look brings it. */
async function heed(deps: ComputeDeps, server: Server, { name, tag }: { name: string; tag?: string }): Promise<void> {
  if (name === 'network-changed') {
    refreshAddresses(deps, server.id).catch((error: unknown) => {
      deps.log.warn({ err: error, server: server.id }, 'addresses could not be refreshed')
    })
  }
  if (name === 'network-vif-deleted' && tag !== undefined) await startDetachOfDeleted(deps, server.id, tag)
}

/** Neutron tells of ports; 207 where some of the servers are not there. */
export const externalEventRoutes = [
  route({
    method: 'POST',
    path: '/os-server-external-events',
    policy: create,
    body,
    answer: { 200: answer, 207: answer },
    async handle({ ctx, body: { events } }, deps) {
      ctx.authorize(create)
      const servers = await listServersByIds(deps.database.db, [...new Set(events.map((each) => each.server_uuid))])
      const byId = new Map(servers.filter(({ deletedAt }) => deletedAt === null).map((server) => [server.id, server]))
      const answers = []
      for (const each of events) {
        const server = byId.get(each.server_uuid)
        const status = each.status ?? 'completed'
        const code = !server ? 404 : server.host === null ? 422 : 200
        answers.push({ ...each, status: code === 200 ? status : 'failed', code })
        // Also before the server has its host: the port is active all the same.
        if (server && each.name === 'network-vif-plugged' && each.tag !== undefined)
          await markPorts(deps, server.id, status === 'completed' ? { active: [each.tag] } : { failed: [each.tag] })
        if (server && code === 200) await heed(deps, server, each)
      }
      if (answers.every(({ code }) => code === 404)) throw new NotFound('No instances found for any event')
      const isComplete = answers.every(({ code }) => code === 200)
      return { status: isComplete ? 200 : 207, body: { events: answers } }
    },
  }),
]
