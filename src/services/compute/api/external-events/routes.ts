import { rule } from '../../../../platform/auth/policy.ts'
import { route } from '../route.ts'
import { markPorts, refreshAddresses } from '../../conductor/ports.ts'
import type { ComputeDeps } from '../../deps.ts'
import { NotFound } from '../../errors.ts'
import type { Server } from '../../model/server.ts'
import { startDetachOfDeleted } from '../../operations/interfaces.ts'
import { listServersByIds } from '../../store/servers.ts'
import { admin } from '../base-policy.ts'
import { answer, body } from './schema.ts'

const create = rule(
  'os_compute_api:os-server-external-events:create',
  admin,
  'Tell of events',
  'POST /os-server-external-events',
)
export const externalEventRules = [create]

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
