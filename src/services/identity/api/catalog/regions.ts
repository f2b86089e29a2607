import { Type, type Static } from 'typebox'
import { Invalid } from '../../../../platform/errors.ts'
import type { Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict, IdentityNotFound, RegionInUse } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { deleteRegions, hasEndpointsIn, regionsAbove, regionsBelow } from '../../store/catalog.ts'
import { findRow, insertRow, updateRow, type IdentityDb, type Row } from '../../store/rows.ts'
import { withLinks } from '../links.ts'
import { entity } from '../kit/entity.ts'
import { extraOf, extras } from '../kit/extra.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { newId } from '../../store/new-rows.ts'
import type { Shown } from '../../../../platform/http/answers.ts'
import { linked, nullableText, oneOf, open, text } from '../answers.ts'

const regionId = Type.String({ maxLength: 255 })
const attributes = {
  description: Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 255 })])),
  parent_region_id: Type.Optional(Type.Union([Type.Null(), Type.String({ minLength: 1, maxLength: 255 })])),
}
const regionSchema = Type.Object({ id: Type.Optional(regionId), ...attributes })
const known = ['description', 'parent_region_id']

const regionAnswer = open({ id: text, description: nullableText, parent_region_id: nullableText })

const viewRegion = (row: Row<'regions'>): Shown<typeof regionAnswer> => ({
  ...extras(row),
  id: row.id,
  description: row.description,
  parent_region_id: row.parent_region_id,
})

async function requireRegion(db: IdentityDb, id: string | null | undefined) {
  if (id != null && !(await findRow(db, 'regions', { id }))) throw new IdentityNotFound('region', id)
}

async function insertRegion(db: IdentityDb, _deps: IdentityDeps, input: Static<typeof regionSchema>) {
  const row = {
    id: input.id || newId(),
    description: input.description ?? '',
    parent_region_id: input.parent_region_id ?? null,
    extra: extraOf(input, known),
  }
  await requireRegion(db, row.parent_region_id === row.id ? null : row.parent_region_id)
  if (row.parent_region_id === row.id) throw circle(row.id)
  if (!(await insertRow(db, 'regions', row))) throw new IdentityConflict('region', `Duplicate ID, ${row.id}.`)
  return row
}

const circle = (parentId: string) =>
  new Invalid(`The specified parent region ${parentId} would create a circular region hierarchy.`)

const regions = entity({
  table: 'regions',
  singular: 'region',
  answer: regionAnswer,
  plural: 'regions',
  section: 'catalog',
  filters: { parent_region_id: { column: 'parent_region_id' } },
  view: viewRegion,
})

const regionEntityRoutes = [
  ...readRoutes(regions),
  createRoute(regions, {
    schema: regionSchema,
    insert: insertRegion,
  }),
  updateRoute(regions, {
    schema: Type.Object(attributes, { minProperties: 1 }),
    apply: (_db, { database }, row, input) =>
      database.transaction(async (tx) => {
        const parentId = input.parent_region_id
        await requireRegion(tx, parentId)
        if (parentId != null && (parentId === row.id || (await regionsAbove(tx, parentId)).includes(row.id))) {
          throw circle(parentId)
        }
        await updateRow(tx, 'regions', row.id, {
          ...(input.description !== undefined && { description: input.description ?? '' }),
          ...(parentId !== undefined && { parent_region_id: parentId }),
          extra: extraOf(input, known, row.extra),
        })
      }),
  }),
  removeRoute(regions, (_db, { database }, row) =>
    database.transaction(async (tx) => {
      const all = [row.id, ...(await regionsBelow(tx, row.id))]
      if (await hasEndpointsIn(tx, all)) throw new RegionInUse(row.id)
      await deleteRegions(tx, all)
    }),
  ),
]

const putRegion = route({
  method: 'PUT',
  path: '/regions/:id',
  policy: policy('create_region'),
  body: Type.Object({ region: regionSchema }),
  answer: { 201: oneOf('region', linked(regionAnswer)) },
  async handle({ ctx, params, body, baseUrl }, deps) {
    ctx.authorize(policy('create_region'))
    const { region } = body
    if (region.id !== undefined && region.id !== params.id) {
      throw new Invalid(`Conflicting region IDs specified: "${params.id}" != "${region.id}"`)
    }
    const row = await insertRegion(deps.database.db, deps, { ...region, id: params.id })
    deps.changed()
    return { status: 201, body: { region: withLinks(baseUrl, 'regions', viewRegion(row)) } }
  },
})

export const regionRoutes: Route<IdentityDeps>[] = [...regionEntityRoutes, putRegion]
