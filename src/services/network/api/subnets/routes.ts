import { Type } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { networkNotFound, subnetPoolNotFound } from '../../errors.ts'
import { changeSubnet, insertSubnet, removeSubnet } from '../../operations/subnets.ts'
import { policy } from '../../policies.ts'
import { findRow, type NetworkDb, type Row } from '../../store/rows.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { visible } from '../kit/seen.ts'
import { closed, kinds, ownerOf } from '../kit/schema.ts'
import { tagRoutes } from '../kit/tags.ts'
import { ownedBy } from '../kit/targets.ts'
import { networks, networkTarget } from '../networks/view.ts'
import { subnetPools } from '../subnet-pools/view.ts'
import { subnets } from './view.ts'

const pool = closed({ start: kinds.ip, end: kinds.ip })
const hostRoute = closed({ destination: Type.String({ maxLength: 64 }), nexthop: Type.String({ maxLength: 64 }) })
const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  gateway_ip: Type.Optional(kinds.orNull(kinds.ip)),
  enable_dhcp: Type.Optional(kinds.boolean),
  dns_nameservers: Type.Optional(kinds.list(Type.String({ maxLength: 64 }))),
  host_routes: Type.Optional(kinds.list(hostRoute)),
  allocation_pools: Type.Optional(kinds.list(pool)),
  service_types: Type.Optional(Type.Array(Type.String({ maxLength: 255 }), { maxItems: 7 })),
}
const mode = Type.Optional(kinds.orNull(Type.Enum(['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'])))
const creation = closed({
  ...attributes,
  ...kinds.owner,
  network_id: kinds.uuid,
  ip_version: Type.Optional(kinds.ipVersion),
  cidr: Type.Optional(kinds.orNull(Type.String({ maxLength: 64 }))),
  prefixlen: Type.Optional(kinds.integer(0, 128)),
  subnetpool_id: Type.Optional(kinds.nullableUuid),
  use_default_subnetpool: Type.Optional(kinds.boolean),
  ipv6_ra_mode: mode,
  ipv6_address_mode: mode,
})

/** The network that a body names, as far as the caller may see it. */
async function networkOf(tx: NetworkDb, id: string, ctx: Context): Promise<Row<'networks'>> {
  const row = await findRow(tx, 'networks', { id })
  if (!row || !ctx.can(policy('get_network'), networkTarget(row))) throw networkNotFound(id)
  return row
}

export const subnetRoutes = [
  ...readRoutes(subnets),
  createRoute(subnets, {
    schema: creation,
    async placeOf(tx, input, ctx) {
      const { row } = await visible(networks, ctx, tx, input.network_id)
      // Who may act for others makes it for whom the network belongs to.
      return ctx.isAdmin && !input.project_id && !input.tenant_id ? row.project_id : ownerOf(ctx, input)
    },
    async target(tx, input, projectId, ctx) {
      const network = await networkOf(tx, input.network_id, ctx)
      return { ...networkTarget(network), ...ownedBy(projectId) }
    },
    async insert(tx, deps, input, projectId, ctx) {
      if (input.subnetpool_id) {
        const found = await findRow(tx, 'subnet_pools', { id: input.subnetpool_id })
        const target = found && (await subnetPools.targets(tx, [found]))(found)
        if (!target || !ctx.can(policy('get_subnetpool'), target)) throw subnetPoolNotFound(input.subnetpool_id)
      }
      return insertSubnet(tx, deps, await networkOf(tx, input.network_id, ctx), projectId, input)
    },
  }),
  updateRoute(subnets, {
    schema: closed(attributes),
    apply: (tx, deps, row, input) => changeSubnet(tx, deps, row, input),
  }),
  removeRoute(subnets, (tx, deps, row) => removeSubnet(tx, deps, row)),
  ...tagRoutes(subnets),
]
