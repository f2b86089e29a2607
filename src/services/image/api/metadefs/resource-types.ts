import { route } from '../route.ts'
import { ImageMissing } from '../../errors.ts'
import { duplicateAssociation, newAssociation, requireUnprotected } from '../../operations/metadefs.ts'
import { policy } from '../../policies.ts'
import { deleteAssociation, insertAssociation, listAssociations, listResourceTypes } from '../../store/metadefs.ts'
import { namespaceFor } from './access.ts'
import { anyObject } from './namespaces.ts'
import { associationAnswer, associationsAnswer, resourceTypesAnswer } from './answers.ts'
import { checkBody } from './schema.ts'
import { viewAssociation, viewResourceType } from './view.ts'

const base = '/metadefs/namespaces/:namespace/resource_types'

const listAll = route({
  method: 'GET',
  path: '/metadefs/resource_types',
  policy: policy('list_metadef_resource_types'),
  answer: { 200: resourceTypesAnswer },
  async handle({ ctx }, { database }) {
    ctx.authorize(policy('list_metadef_resource_types'), { project_id: ctx.projectId })
    return { status: 200, body: { resource_types: (await listResourceTypes(database.db)).map(viewResourceType) } }
  },
})

const list = route({
  method: 'GET',
  path: base,
  policy: [policy('list_metadef_resource_types'), policy('get_metadef_resource_type')],
  answer: { 200: associationsAnswer },
  async handle({ ctx, params }, deps) {
    const rules = ['list_metadef_resource_types', 'get_metadef_resource_type']
    const { id } = await namespaceFor(ctx, deps, params.namespace, ...rules)
    const rows = await listAssociations(deps.database.db, [id])
    return { status: 200, body: { resource_type_associations: rows.map(viewAssociation) } }
  },
})

const create = route({
  method: 'POST',
  path: base,
  policy: policy('add_metadef_resource_type_association'),
  body: anyObject,
  answer: { 201: associationAnswer },
  async handle({ ctx, params, body }, deps) {
    const definition = checkBody('resource_type_association', body)
    const rule = 'add_metadef_resource_type_association'
    const { id, namespace } = await namespaceFor(ctx, deps, params.namespace, rule)
    const row = newAssociation(id, definition)
    if (!(await deps.database.transaction((tx) => insertAssociation(tx, row))))
      throw duplicateAssociation(row.resource_type, namespace)
    return { status: 201, body: viewAssociation(row) }
  },
})

const remove = route({
  method: 'DELETE',
  path: `${base}/:name`,
  policy: policy('remove_metadef_resource_type_association'),
  answer: { 204: null },
  async handle({ ctx, params }, deps) {
    const name = params.name
    const rule = 'remove_metadef_resource_type_association'
    const owner = await namespaceFor(ctx, deps, params.namespace, rule)
    requireUnprotected(owner, `resource-type-association ${name}`)
    if (!(await deleteAssociation(deps.database.db, owner.id, name)))
      throw new ImageMissing(`Failed to find resource type ${name} to delete`)
    return { status: 204 }
  },
})

export const resourceTypeRoutes = [listAll, list, create, remove]
