import { last, type ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { ImageDeps } from '../../deps.ts'
import { ImageConflict, ImageMissing } from '../../errors.ts'
import { duplicate, newProperty, requireUnprotected } from '../../operations/metadefs.ts'
import { policy } from '../../policies.ts'
import { deletePart, findPart, insertPart, listAssociations, listParts, updatePart } from '../../store/metadefs.ts'
import { missing, namespaceFor, targetOf } from './access.ts'
import { anyObject } from './namespaces.ts'
import { propertiesAnswer, propertyAnswer } from './answers.ts'
import { checkBody } from './schema.ts'
import { propertyOf, viewProperties } from './view.ts'

const base = '/metadefs/namespaces/:namespace/properties'

const list = route({
  method: 'GET',
  path: base,
  policy: policy('get_metadef_properties'),
  answer: { 200: propertiesAnswer },
  async handle({ ctx, params }, deps) {
    const { id } = await namespaceFor(ctx, deps, params.namespace, 'get_metadef_properties')
    const rows = await listParts(deps.database.db, 'metadef_properties', id)
    return { status: 200, body: { properties: viewProperties(rows) } }
  },
})

const create = route({
  method: 'POST',
  path: base,
  policy: policy('add_metadef_property'),
  body: anyObject,
  answer: { 201: propertyAnswer },
  async handle({ ctx, params, body }, deps) {
    const { name, ...schema } = checkBody('property', body)
    const { id, namespace } = await namespaceFor(ctx, deps, params.namespace, 'add_metadef_property')
    const row = newProperty(id, name, schema)
    if (!(await insertPart(deps.database.db, 'metadef_properties', row)))
      throw duplicate('definition property', name, namespace)
    return { status: 201, body: { name, ...propertyOf(row) } }
  },
})

async function load(
  { ctx, params }: Pick<ApiRequest<unknown, { name: string; namespace: string }>, 'ctx' | 'params'>,
  deps: ImageDeps,
  rule: string,
  rename: (name: string, namespaceId: string) => Promise<string> = (name) => Promise.resolve(name),
) {
  const owner = await namespaceFor(ctx, deps, params.namespace, rule)
  const name = await rename(params.name, owner.id)
  const row = await findPart(deps.database.db, 'metadef_properties', owner.id, name)
  if (!row) throw missing('property', name, owner.namespace)
  return { owner, row }
}

const show = route({
  method: 'GET',
  path: `${base}/:name`,
  policy: [policy('get_metadef_property'), policy('get_metadef_resource_type')],
  answer: { 200: propertyAnswer },
  async handle({ ctx, params, query }, deps) {
    const resourceType = last(query, 'resource_type')
    const unprefixed = async (name: string, namespaceId: string) => {
      if (!resourceType) return name
      const types = await listAssociations(deps.database.db, [namespaceId])
      const prefix = types.find((each) => each.resource_type === resourceType)?.prefix ?? ''
      if (prefix !== '' && name.startsWith(prefix)) return name.slice(prefix.length)
      throw new ImageMissing(
        `Property ${name} does not start with the expected resource type association prefix of '${prefix}'.`,
      )
    }
    const { owner, row } = await load({ ctx, params }, deps, 'get_metadef_property', unprefixed)
    if (resourceType) ctx.authorize(policy('get_metadef_resource_type'), targetOf(owner))
    return { status: 200, body: { name: row.name, ...propertyOf(row) } }
  },
})

const update = route({
  method: 'PUT',
  path: `${base}/:name`,
  policy: policy('modify_metadef_property'),
  body: anyObject,
  answer: { 200: propertyAnswer },
  async handle({ ctx, params, body }, deps) {
    const { name, ...schema } = checkBody('property', body)
    const { owner, row } = await load({ ctx, params }, deps, 'modify_metadef_property')
    const { json_schema } = newProperty(owner.id, name, schema)
    if (!(await updatePart(deps.database.db, 'metadef_properties', row.id, { name, json_schema })))
      throw new ImageConflict(
        `Invalid update. It would result in a duplicate metadata definition property with the same name of ${name}`,
      )
    return { status: 200, body: { name, ...propertyOf({ ...row, json_schema }) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: `${base}/:name`,
  policy: policy('remove_metadef_property'),
  answer: { 204: null },
  async handle(request, deps) {
    const { owner, row } = await load(request, deps, 'remove_metadef_property')
    requireUnprotected(owner, `property ${row.name}`)
    await deletePart(deps.database.db, 'metadef_properties', row.id)
    return { status: 204 }
  },
})

export const propertyRoutes = [list, create, show, update, remove]
