import type { ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { ImageDeps } from '../../deps.ts'
import { ImageConflict } from '../../errors.ts'
import { duplicate, newObject, objectColumns, requireUnprotected } from '../../operations/metadefs.ts'
import { policy } from '../../policies.ts'
import { deletePart, findPart, insertPart, listParts, updatePart } from '../../store/metadefs.ts'
import { missing, namespaceFor, parsePage } from './access.ts'
import { anyObject } from './namespaces.ts'
import { objectAnswer, objectsAnswer } from './answers.ts'
import { checkBody } from './schema.ts'
import { viewObject } from './view.ts'

const base = '/metadefs/namespaces/:namespace/objects'

const list = route({
  method: 'GET',
  path: base,
  policy: policy('get_metadef_objects'),
  answer: { 200: objectsAnswer },
  async handle({ ctx, params, query }, deps) {
    const { db } = deps.database
    const { id, namespace } = await namespaceFor(ctx, deps, params.namespace, 'get_metadef_objects')
    const { markerName, ...page } = parsePage(query, ['name', 'created_at', 'updated_at', 'id'])
    const marker = markerName === undefined ? undefined : await findPart(db, 'metadef_objects', id, markerName)
    if (markerName !== undefined && !marker) throw missing('object', markerName, namespace)
    const rows = await listParts(db, 'metadef_objects', id, { ...page, marker })
    return {
      status: 200,
      body: { objects: rows.map((row) => viewObject(namespace, row)), schema: '/v2/schemas/metadefs/objects' },
    }
  },
})

const create = route({
  method: 'POST',
  path: base,
  policy: policy('add_metadef_object'),
  body: anyObject,
  answer: { 201: objectAnswer },
  async handle({ ctx, params, body }, deps) {
    const definition = checkBody('object', body)
    const { id, namespace } = await namespaceFor(ctx, deps, params.namespace, 'add_metadef_object')
    const row = newObject(id, definition)
    if (!(await insertPart(deps.database.db, 'metadef_objects', row)))
      throw duplicate('definition object', row.name, namespace)
    return { status: 201, body: viewObject(namespace, row) }
  },
})

async function load(
  { ctx, params }: Pick<ApiRequest<unknown, { name: string; namespace: string }>, 'ctx' | 'params'>,
  deps: ImageDeps,
  rule: string,
) {
  const owner = await namespaceFor(ctx, deps, params.namespace, rule)
  const name = params.name
  const row = await findPart(deps.database.db, 'metadef_objects', owner.id, name)
  if (!row) throw missing('object', name, owner.namespace)
  return { owner, row }
}

const show = route({
  method: 'GET',
  path: `${base}/:name`,
  policy: policy('get_metadef_object'),
  answer: { 200: objectAnswer },
  async handle(request, deps) {
    const { owner, row } = await load(request, deps, 'get_metadef_object')
    return { status: 200, body: viewObject(owner.namespace, row) }
  },
})

const update = route({
  method: 'PUT',
  path: `${base}/:name`,
  policy: policy('modify_metadef_object'),
  body: anyObject,
  answer: { 200: objectAnswer },
  async handle({ ctx, params, body }, deps) {
    const definition = checkBody('object', body)
    const { owner, row } = await load({ ctx, params }, deps, 'modify_metadef_object')
    const changed = { ...row, ...objectColumns(definition), updated_at: Date.now() }
    if (!(await updatePart(deps.database.db, 'metadef_objects', row.id, changed)))
      throw new ImageConflict(
        `Invalid update. It would result in a duplicate metadata definition object with same name=${changed.name} in namespace=${owner.namespace}.`,
      )
    return { status: 200, body: viewObject(owner.namespace, changed) }
  },
})

const remove = route({
  method: 'DELETE',
  path: `${base}/:name`,
  policy: policy('delete_metadef_object'),
  answer: { 204: null },
  async handle(request, deps) {
    const { owner, row } = await load(request, deps, 'delete_metadef_object')
    requireUnprotected(owner, `object ${row.name}`)
    await deletePart(deps.database.db, 'metadef_objects', row.id)
    return { status: 204 }
  },
})

export const objectRoutes = [list, create, show, update, remove]
