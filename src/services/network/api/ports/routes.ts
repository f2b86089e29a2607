import type { Context } from '../../../../platform/auth/context.ts'
import type { NetworkDeps } from '../../deps.ts'
import { conflict, networkNotFound, portInUse, securityGroupNotFound } from '../../errors.ts'
import { changePort, insertPort, removePort, tellOfAddresses, type PortInput } from '../../operations/ports.ts'
import { requireQuota } from '../../operations/quota.ts'
import { policy } from '../../policies.ts'
import { findRow, listRows, type NetworkDb, type Row } from '../../store/rows.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { tagRoutes } from '../kit/tags.ts'
import { networkTarget } from '../networks/view.ts'
import { createPort, updatePort } from './schema.ts'
import { ports, portTarget } from './view.ts'

type Input = PortInput & { network_id: string }

const actsForOthers = (ctx: Context) => ctx.isAdmin || ctx.roles.includes('service')

/** Networks that a request has looked at in its transaction: many ports of one read it once. */
const looked = new WeakMap<NetworkDb, Map<string, Row<'networks'>>>()

/** A network that the caller may join: an external one is for routers and floating IPs only. */
async function networkOf(tx: NetworkDb, ctx: Context, id: string): Promise<Row<'networks'>> {
  const known = looked.get(tx) ?? new Map<string, Row<'networks'>>()
  looked.set(tx, known)
  const row = known.get(id) ?? (await findRow(tx, 'networks', { id }))
  const target = row && { ...networkTarget(row), 'router:external': false }
  if (!row || !target || !ctx.can(policy('get_network'), target)) throw networkNotFound(id)
  known.set(id, row)
  return row
}

/** Ids in the body are looked up as the caller: a foreign group does not exist for him. */
async function requireGroups(tx: NetworkDb, ctx: Context, projectId: string, ids: readonly string[] = []) {
  const wanted = [...new Set(ids)]
  const groups = await listRows(tx, 'security_groups', { id: wanted })
  const isUsable = (id: string) =>
    groups.some((group) => group.id === id && (actsForOthers(ctx) || group.project_id === projectId))
  const missing = wanted.find((id) => !isUsable(id))
  if (missing !== undefined) throw securityGroupNotFound(missing)
}

/** Nobody makes his port an interface of somebody else's router. */
async function requireOwnRouter(tx: NetworkDb, ctx: Context, owner: string, device: string) {
  if (actsForOthers(ctx) || !owner.startsWith('network:router') || device === '') return
  const router = await findRow(tx, 'routers', { id: device })
  if (router?.project_id !== ctx.projectId)
    throw conflict(
      'DeviceIDNotOwnedByTenant',
      `The following device_id ${device} is not owned by your tenant or matches another tenants router.`,
    )
}

async function insert(tx: NetworkDb, deps: NetworkDeps, input: Input, projectId: string, ctx: Context) {
  const network = await networkOf(tx, ctx, input.network_id)
  await requireGroups(tx, ctx, projectId, input.security_groups)
  await requireOwnRouter(tx, ctx, input.device_owner ?? '', input.device_id ?? '')
  await requireQuota(tx, deps, projectId, 'port')
  return insertPort(tx, deps, network, projectId, input)
}

async function apply(tx: NetworkDb, deps: NetworkDeps, row: Row<'ports'>, input: PortInput, ctx: Context) {
  await requireGroups(tx, ctx, row.project_id, input.security_groups)
  if (input.device_owner !== undefined || input.device_id !== undefined)
    await requireOwnRouter(tx, ctx, input.device_owner ?? row.device_owner, input.device_id ?? row.device_id)
  const network = await findRow(tx, 'networks', { id: row.network_id })
  if (!network) throw networkNotFound(row.network_id)
  await changePort(tx, deps, network, row, input)
  if (input.fixed_ips !== undefined) return () => tellOfAddresses(deps, [row.id])
}

export const portRoutes = [
  ...readRoutes(ports),
  createRoute(ports, {
    schema: createPort,
    defaults: { device_owner: '', device_id: '', 'binding:vnic_type': 'normal' },
    target: async (tx, input, projectId, ctx) =>
      portTarget(
        { project_id: projectId, device_owner: input.device_owner ?? '' },
        await networkOf(tx, ctx, input.network_id),
      ),
    insert,
  }),
  updateRoute(ports, { schema: updatePort, apply }),
  removeRoute(ports, async (tx, deps, row) => {
    if (/^network:(router_|floatingip)/.test(row.device_owner)) throw portInUse(row.id, row.device_owner)
    await removePort(tx, row)
    if (!row.device_owner.startsWith('compute:') || row.device_id === '') return
    return () => deps.notifyCompute([{ name: 'network-vif-deleted', server: row.device_id, port: row.id }])
  }),
  ...tagRoutes(ports),
]
