import { Type } from 'typebox'
import { Invalid } from '../../../../platform/errors.ts'
import type { Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict, IdentityNotFound, RegionInUse } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { deleteRegions, hasEndpointsIn, regionsAbove, regionsBelow } from '../../store/catalog.ts'
import { findRow, insertRow, updateRow, type IdentityDb, type Row } from '../../store/rows.ts'
import { withLinks } from '../links.ts'
import { extraOf, extras, newId, resource, type Attributes, type Entity } from '../resource.ts'
import type { Shown } from '../../../../platform/http/answers.ts'
import { linked, nullableText, oneOf, open, text } from '../answers.ts'

const regionId = Type.String({ maxLength: 255 })
const attributes = {
  description: Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 255 })])),
  parent_region_id: Type.Optional(Type.Union([Type.Null(), Type.String({ minLength: 1, maxLength: 255 })])),
}
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

async function insertRegion({ database: { db } }: IdentityDeps, input: Attributes) {
  const row = {
    id: (input['id'] as string | undefined) || newId(),
    description: (input['description'] as string | null | undefined) ?? '',
    parent_region_id: (input['parent_region_id'] as string | null | undefined) ?? null,
    extra: extraOf(input, known),
  }
  await requireRegion(db, row.parent_region_id === row.id ? null : row.parent_region_id)
  if (row.parent_region_id === row.id) throw circle(row.id)
  if (!(await insertRow(db, 'regions', row))) throw new IdentityConflict('region', `Duplicate ID, ${row.id}.`)
  return row
}

const circle = (parentId: string) =>
  new Invalid(`The specified parent region ${parentId} would create a circular region hierarchy.`)

const regions: Entity<'regions'> = {
  table: 'regions',
  singular: 'region',
  answer: regionAnswer,
  plural: 'regions',
  section: 'catalog',
  create: { id: Type.Optional(regionId), ...attributes },
  update: attributes,
  filters: { parent_region_id: { column: 'parent_region_id' } },
  view: viewRegion,
  target: () => ({}),
  insert: insertRegion,
  change: ({ database }, row, input) =>
    database.transaction(async (tx) => {
      const parentId = input['parent_region_id'] as string | null | undefined
      await requireRegion(tx, parentId)
      if (parentId != null && (parentId === row.id || (await regionsAbove(tx, parentId)).includes(row.id))) {
        throw circle(parentId)
      }
      await updateRow(tx, 'regions', row.id, {
        ...(input['description'] !== undefined && { description: (input['description'] as string | null) ?? '' }),
        ...(parentId !== undefined && { parent_region_id: parentId }),
        extra: extraOf(input, known, row.extra),
      })
      return (await findRow(tx, 'regions', { id: row.id }))!
    }),
  remove: ({ database }, row) =>
    database.transaction(async (tx) => {
      const all = [row.id, ...(await regionsBelow(tx, row.id))]
      if (await hasEndpointsIn(tx, all)) throw new RegionInUse(row.id)
      await deleteRegions(tx, all)
    }),
}

const putRegion = route({
  method: 'PUT',
  path: '/regions/:id',
  policy: policy('create_region'),
  body: Type.Object({ region: Type.Object({ id: Type.Optional(regionId), ...attributes }) }),
  answer: { 201: oneOf('region', linked(regionAnswer)) },
  async handle({ ctx, params, body, baseUrl }, deps) {
    ctx.authorize(policy('create_region'))
    const { region } = body
    if (region.id !== undefined && region.id !== params.id) {
      throw new Invalid(`Conflicting region IDs specified: "${params.id}" != "${region.id}"`)
    }
    const row = await insertRegion(deps, { ...region, id: params.id })
    deps.changed()
    return { status: 201, body: { region: withLinks(baseUrl, 'regions', viewRegion(row)) } }
  },
})

export const regionRoutes: Route<IdentityDeps>[] = [...resource(regions), putRegion]
