import { Type } from 'typebox'
import { exactly, nullable, since, type Shown } from '../../../../platform/http/answers.ts'
import { rule } from '../../../../platform/auth/policy.ts'
import { route } from '../route.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import { Invalid, NotFound } from '../../errors.ts'
import type { ServerPort } from '../../model/server.ts'
import { attachPort, detachPort } from '../../operations/interfaces.ts'
import { text } from '../answers.ts'
import { memberOrAdmin, readerOrAdmin } from '../base-policy.ts'
import { findFor, mayOverrideLock } from '../servers/find.ts'
import { ipAddress, strict, tag, uuid } from '../parameter-types.ts'

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
const create = rule(
  'os_compute_api:os-attach-interfaces:create',
  memberOrAdmin,
  'Attach a port to a server',
  'POST /servers/{server_id}/os-interface',
)
const remove = rule(
  'os_compute_api:os-attach-interfaces:delete',
  memberOrAdmin,
  'Detach a port from a server',
  'DELETE /servers/{server_id}/os-interface/{port_id}',
)
export const interfaceRules = [list, show, create, remove]

const shown = exactly({
  port_id: text,
  net_id: text,
  mac_addr: text,
  port_state: Type.Enum(['ACTIVE', 'DOWN']),
  fixed_ips: Type.Array(exactly({ subnet_id: text, ip_address: text })),
  tag: since('interface-tags', nullable(text)),
})
const answer = { 200: exactly({ interfaceAttachment: shown }) }

const view = (port: ServerPort, version: ApiVersion): Shown<typeof shown> => ({
  port_id: port.id,
  net_id: port.networkId,
  mac_addr: port.mac,
  port_state: port.isActive ? 'ACTIVE' : 'DOWN',
  fixed_ips: port.fixedIps.map((ip) => ({ subnet_id: ip.subnetId, ip_address: ip.address })),
  ...(version.has('interface-tags') && { tag: port.tag }),
})

const address = Type.Object({ ip_address: ipAddress }, strict)
const plain = {
  net_id: Type.Optional(uuid),
  port_id: Type.Optional(uuid),
  fixed_ips: Type.Optional(Type.Array(address, { minItems: 1, maxItems: 1 })),
}
const tagged = { ...plain, tag: Type.Optional(tag) }
// An empty body attaches the project's one network.
const attachBody = bodies(Type.Object({ interfaceAttachment: Type.Optional(Type.Object(tagged, strict)) }, strict), [
  ['initial', Type.Object({ interfaceAttachment: Type.Optional(Type.Object(plain, strict)) }, strict)],
  ['attach-tags', Type.Object({ interfaceAttachment: Type.Optional(Type.Object(tagged, strict)) }, strict)],
])

export const interfaceRoutes = [
  route({
    method: 'GET',
    path: '/servers/:id/os-interface',
    policy: list,
    answer: { 200: exactly({ interfaceAttachments: Type.Array(shown) }) },
    async handle({ ctx, params, version }, deps) {
      const { ports } = await findFor(ctx, deps, params.id, list)
      return { status: 200, body: { interfaceAttachments: ports.map((port) => view(port, version)) } }
    },
  }),
  route({
    method: 'GET',
    path: '/servers/:id/os-interface/:port',
    policy: show,
    answer,
    async handle({ ctx, params, version }, deps) {
      const server = await findFor(ctx, deps, params.id, show)
      const port = server.ports.find((each) => each.id === params.port)
      if (!port) throw new NotFound(`Instance ${server.id} does not have a port with id ${params.port}`)
      return { status: 200, body: { interfaceAttachment: view(port, version) } }
    },
  }),
  route({
    method: 'POST',
    path: '/servers/:id/os-interface',
    policy: create,
    body: attachBody,
    answer,
    async handle({ ctx, params, version, body }, deps) {
      const server = await findFor(ctx, deps, params.id, create)
      const { net_id, port_id, fixed_ips, tag: label } = body.interfaceAttachment ?? {}
      const fixedIp = fixed_ips?.[0]?.ip_address ?? null
      if (net_id !== undefined && port_id !== undefined) throw new Invalid('Must not input both network_id and port_id')
      if (fixedIp !== null && net_id === undefined) throw new Invalid('Must input network_id when request IP address')
      const wanted = { networkId: net_id ?? null, portId: port_id ?? null, fixedIp, tag: label ?? null }
      const port = await attachPort(ctx, deps, server, wanted, mayOverrideLock(ctx, server))
      return { status: 200, body: { interfaceAttachment: view(port, version) } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/servers/:id/os-interface/:port',
    policy: remove,
    answer: { 202: null },
    async handle({ ctx, params }, deps) {
      const server = await findFor(ctx, deps, params.id, remove)
      await detachPort(ctx, deps, server, params.port, mayOverrideLock(ctx, server))
      return { status: 202 }
    },
  }),
]
