import { Type } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { addressScopeNotFound, badRequest, conflict } from '../../errors.ts'
import { changed, flags } from '../../operations/changes.ts'
import { requireFew } from '../../operations/quota.ts'
import { changePool, changePrefixes, insertPool, removePool, type PoolInput } from '../../operations/subnet-pools.ts'
import { policy } from '../../policies.ts'
import {
  deleteEntity,
  findRow,
  insertRow,
  newEntity,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../../store/rows.ts'
import { actionRoute, createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { closed, kinds } from '../kit/schema.ts'
import { tagRoutes } from '../kit/tags.ts'
import { prefixesAnswer } from './schema.ts'
import { addressScopes, subnetPools } from './view.ts'

const prefixes = Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: 1000 })
const length = Type.Optional(kinds.integer(0, 128))
const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  prefixes: Type.Optional(prefixes),
  default_prefixlen: length,
  min_prefixlen: length,
  max_prefixlen: length,
  default_quota: Type.Optional(kinds.orNull(kinds.integer(0, Number.MAX_SAFE_INTEGER))),
  address_scope_id: Type.Optional(kinds.nullableUuid),
  is_default: Type.Optional(kinds.boolean),
}

/** The scope that a body names, as far as the caller may see it; undefined where it names none. */
async function scopeOf(
  tx: NetworkDb,
  ctx: Context,
  { address_scope_id: id }: PoolInput,
): Promise<Row<'address_scopes'> | null | undefined> {
  if (id == null) return id
  const row = await findRow(tx, 'address_scopes', { id })
  const target = row && (await addressScopes.targets(tx, [row]))(row)
  if (!row || !target || !ctx.can(policy('get_address_scope'), target)) throw addressScopeNotFound(id)
  requireOwnScope(ctx, row)
  return row
}

/** A shared scope may be seen by all; which addresses are in it is its owner's to say. */
function requireOwnScope(ctx: Context, scope: Row<'address_scopes'>) {
  if (!ctx.isAdmin && scope.project_id !== ctx.projectId)
    throw badRequest(
      'IllegalSubnetPoolAssociationToAddressScope',
      `Illegal subnetpool association: subnetpool cannot be associated with address scope ${scope.id}.`,
    )
}

const change = (how: 'add' | 'remove') =>
  actionRoute(subnetPools, `${how}_prefixes`, closed({ prefixes }), prefixesAnswer, async (tx, _deps, row, input) => ({
    prefixes: await changePrefixes(tx, row, input.prefixes, how),
  }))

export const subnetPoolRoutes = [
  ...readRoutes(subnetPools),
  createRoute(subnetPools, {
    schema: closed({ ...attributes, ...kinds.owner, name: kinds.name, prefixes, shared: Type.Optional(kinds.boolean) }),
    defaults: { shared: false, is_default: false },
    insert: async (tx, deps, input, projectId, ctx) =>
      insertPool(tx, deps, projectId, input, (await scopeOf(tx, ctx, input)) ?? null),
  }),
  updateRoute(subnetPools, {
    schema: closed(attributes),
    async apply(tx, _deps, row, input, ctx) {
      const held = row.address_scope_id && (await findRow(tx, 'address_scopes', { id: row.address_scope_id }))
      if (held && input.prefixes) requireOwnScope(ctx, held)
      await changePool(tx, row, input, await scopeOf(tx, ctx, input))
    },
  }),
  removeRoute(subnetPools, (tx, _deps, row) => removePool(tx, row)),
  change('add'),
  change('remove'),
  ...tagRoutes(subnetPools),
]

interface ScopeInput {
  name?: string
  ip_version?: 4 | 6
  shared?: boolean
}

async function changeScope(tx: NetworkDb, row: Row<'address_scopes'>, input: ScopeInput) {
  if (row.shared === 1 && input.shared === false)
    throw badRequest(
      'AddressScopeUpdateError',
      `Unable to update address scope ${row.id} : Shared address scope can't be unshared.`,
    )
  const values = { ...changed(input, ['name']), ...flags({ shared: input.shared }), ...touched(row) }
  await updateRow(tx, 'address_scopes', row.id, values)
}

async function removeScope(tx: NetworkDb, row: Row<'address_scopes'>) {
  if (await findRow(tx, 'subnet_pools', { address_scope_id: row.id }))
    throw conflict(
      'AddressScopeInUse',
      `Unable to complete operation on address scope ${row.id}. There are one or more subnet pools in use on the address scope.`,
    )
  await deleteEntity(tx, 'address_scopes', row.id)
}

const scopeAttributes = { name: Type.Optional(kinds.name), shared: Type.Optional(kinds.boolean) }

export const addressScopeRoutes = [
  ...readRoutes(addressScopes),
  createRoute(addressScopes, {
    schema: closed({ ...scopeAttributes, ...kinds.owner, ip_version: Type.Optional(kinds.ipVersion) }),
    defaults: { shared: false },
    async insert(tx, deps, input, projectId) {
      await requireFew(tx, deps, projectId, 'address_scope')
      const row = {
        ...newEntity(projectId, input),
        ip_version: input.ip_version ?? 4,
        shared: input.shared ? 1 : 0,
      }
      await insertRow(tx, 'address_scopes', row)
      return row
    },
  }),
  updateRoute(addressScopes, {
    schema: closed(scopeAttributes),
    apply: (tx, _deps, row, input) => changeScope(tx, row, input),
  }),
  removeRoute(addressScopes, (tx, _deps, row) => removeScope(tx, row)),
]
