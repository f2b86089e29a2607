import { rule } from '../../../../platform/auth/policy.ts'
import { route } from '../../../../platform/http/route.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { ComputeDeps } from '../../deps.ts'
import { NotFound } from '../../errors.ts'
import type { ServerPort } from '../../model/server.ts'
import { readerOrAdmin } from '../base-policy.ts'
import { findFor } from '../servers/find.ts'

const list = rule(
  'os_compute_api:os-attach-interfaces:list',
  readerOrAdmin,
  'List ports of a server',
  'GET /servers/{server_id}/os-interface',
)
const show = rule(
  'os_compute_api:os-attach-interfaces:show',
  readerOrAdmin,
  'Show a port of a server',
  'GET /servers/{server_id}/os-interface/{port_id}',
)
export const interfaceRules = [list, show]

const view = (port: ServerPort, version: ApiVersion) => ({
  port_id: port.id,
  net_id: port.networkId,
  mac_addr: port.mac,
  port_state: port.isActive ? 'ACTIVE' : 'DOWN',
  fixed_ips: port.fixedIps.map((ip) => ({ subnet_id: ip.subnetId, ip_address: ip.address })),
  ...(version.has('interface-tags') && { tag: port.tag }),
})

export const interfaceRoutes = [
  route({
    method: 'GET',
    path: '/servers/:id/os-interface',
    policy: list,
    async handle({ ctx, params, version }, deps: ComputeDeps) {
      const { ports } = await findFor(ctx, deps, params['id']!, list)
      return { status: 200, body: { interfaceAttachments: ports.map((port) => view(port, version)) } }
    },
  }),
  route({
    method: 'GET',
    path: '/servers/:id/os-interface/:port',
    policy: show,
    async handle({ ctx, params, version }, deps: ComputeDeps) {
      const server = await findFor(ctx, deps, params['id']!, show)
      const port = server.ports.find((each) => each.id === params['port'])
      if (!port) throw new NotFound(`Instance ${server.id} does not have a port with id ${params['port']}`)
      return { status: 200, body: { interfaceAttachment: view(port, version) } }
    },
  }),
]
