import { Type } from 'typebox'
import { changeNetwork, insertNetwork, removeNetwork } from '../../operations/networks.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { closed, kinds } from '../kit/schema.ts'
import { tagRoutes } from '../kit/tags.ts'
import { networks } from './view.ts'

const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  admin_state_up: Type.Optional(kinds.boolean),
  shared: Type.Optional(kinds.boolean),
  'router:external': Type.Optional(kinds.boolean),
  is_default: Type.Optional(kinds.boolean),
  mtu: Type.Optional(Type.Union([Type.Literal(0), kinds.integer(68, 65535)])),
  port_security_enabled: Type.Optional(kinds.boolean),
  dns_domain: Type.Optional(kinds.dnsDomain),
}
const creation = closed({
  ...attributes,
  ...kinds.owner,
  'provider:network_type': Type.Optional(Type.String({ maxLength: 32 })),
  'provider:physical_network': Type.Optional(kinds.orNull(Type.String({ maxLength: 64 }))),
  'provider:segmentation_id': Type.Optional(kinds.orNull(kinds.integer(0, 2 ** 32 - 1))),
  availability_zone_hints: Type.Optional(kinds.zoneHints),
})

export const networkRoutes = [
  ...readRoutes(networks),
  createRoute(networks, {
    schema: creation,
    defaults: { shared: false, 'router:external': false, is_default: false, port_security_enabled: true },
    insert: (tx, deps, input, projectId) => insertNetwork(tx, deps, projectId, input),
  }),
  updateRoute(networks, {
    schema: closed(attributes),
    apply: (tx, deps, row, input) => changeNetwork(tx, deps, row, input),
  }),
  removeRoute(networks, (tx, _deps, row) => removeNetwork(tx, row.id)),
  ...tagRoutes(networks),
]
