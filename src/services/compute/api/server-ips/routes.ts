import { rule } from '../../../../platform/auth/policy.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { route } from '../route.ts'
import { NotFound } from '../../errors.ts'
import type { Server } from '../../model/server.ts'
import { readerOrAdmin } from '../base-policy.ts'
import { plainAddresses } from '../servers/answers.ts'
import { findFor } from '../servers/find.ts'

const index = rule('os_compute_api:ips:index', readerOrAdmin, 'List addresses', 'GET /servers/{server_id}/ips')
const show = rule(
  'os_compute_api:ips:show',
  readerOrAdmin,
  'Show the addresses of a network',
  'GET /servers/{server_id}/ips/{network_label}',
)
export const ipRules = [index, show]

function addresses(server: Server): Record<string, { version: number; addr: string }[]> {
  const result: Record<string, { version: number; addr: string }[]> = {}
  for (const { networkName, fixedIps, floatingIps = [] } of server.ports) {
    const list = (result[networkName] ??= [])
    for (const { version, address } of fixedIps) list.push({ version, addr: address })
    for (const addr of floatingIps) list.push({ version: 4, addr })
  }
  return result
}

export const ipRoutes = [
  route({
    method: 'GET',
    path: '/servers/:id/ips',
    policy: index,
    answer: { 200: exactly({ addresses: plainAddresses }) },
    async handle({ ctx, params }, deps) {
      return { status: 200, body: { addresses: addresses(await findFor(ctx, deps, params.id, index)) } }
    },
  }),
  route({
    method: 'GET',
    path: '/servers/:id/ips/:network',
    policy: show,
    answer: { 200: plainAddresses },
    async handle({ ctx, params }, deps) {
      const all = addresses(await findFor(ctx, deps, params.id, show))
      const network = params.network
      if (!Object.hasOwn(all, network)) throw new NotFound('Instance is not a member of specified network')
      return { status: 200, body: { [network]: all[network]! } }
    },
  }),
]
