import { Type } from 'typebox'
import { last } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { ImageDeps } from '../../deps.ts'
import { ImageConflict, ImageMissing, InvalidImage } from '../../errors.ts'
import { createNamespace, removeNamespace, requireUnprotected } from '../../operations/metadefs.ts'
import { policy } from '../../policies.ts'
import {
  deleteParts,
  findNamespace,
  listAssociations,
  listNamespaces,
  listParts,
  updateNamespace,
  type NamespaceColumn,
  type NamespaceRow,
  type PartTable,
} from '../../store/metadefs.ts'
import { namespaceFor, parsePage, targetOf } from './access.ts'
import { madeAnswer, namespaceAnswer, namespacesAnswer, wholeAnswer } from './answers.ts'
import { checkBody } from './schema.ts'
import { namespacePath, viewAssociation, viewNamespace, viewObject, viewProperties } from './view.ts'

/** Checked by `checkBody`, which knows what is read-only and how the messages name the schema. */
export const anyObject = Type.Object({}, { additionalProperties: Type.Unknown() })
const columns: readonly NamespaceColumn[] = [
  ...(['namespace', 'display_name', 'visibility', 'owner'] as const),
  ...(['created_at', 'updated_at', 'id'] as const),
]

const list = route({
  method: 'GET',
  path: '/metadefs/namespaces',
  policy: [policy('get_metadef_namespaces'), policy('list_metadef_resource_types')],
  answer: { 200: namespacesAnswer },
  async handle({ ctx, query }, { database, config }) {
    const { db } = database
    ctx.authorize(policy('get_metadef_namespaces'), { project_id: ctx.projectId })
    ctx.authorize(policy('list_metadef_resource_types'), { project_id: ctx.projectId })
    const { markerName, limit: asked, ...page } = parsePage(query, columns)
    const visibility = last(query, 'visibility')
    if (visibility !== undefined && visibility !== 'public' && visibility !== 'private')
      throw new InvalidImage(`Invalid visibility value: ${visibility}`)
    const limit = Math.min(asked ?? config.limitDefault, config.limitMax)
    const marker = markerName === undefined ? undefined : await findNamespace(db, markerName)
    if (markerName !== undefined && !(marker && ctx.can(policy('get_metadef_namespace'), targetOf(marker))))
      throw new ImageMissing(`Metadata definition namespace=${markerName} was not found.`)
    const projectId = ctx.isAdmin ? null : (ctx.projectId ?? '')
    const resourceTypes = last(query, 'resource_types')?.split(',')
    const rows = await listNamespaces(db, { ...page, limit, marker, projectId, visibility, resourceTypes })
    const seen = rows.filter((row) => ctx.can(policy('get_metadef_namespace'), targetOf(row)))
    const found = await listAssociations(
      db,
      seen.map((row) => row.id),
    )
    const associations = Map.groupBy(found, (row) => row.namespace_id)
    const pairs = Object.entries(query).flatMap(([name, values = []]) =>
      name === 'marker' ? [] : values.map((value) => [name, value]),
    )
    const link = (more: string[][]) => {
      const text = new URLSearchParams([...pairs, ...more] as [string, string][]).toString()
      return `/v2/metadefs/namespaces${text === '' ? '' : `?${text}`}`
    }
    const isFull = rows.length > 0 && rows.length === limit
    return {
      status: 200,
      body: {
        namespaces: seen.map((row) => ({
          ...viewNamespace(row),
          ...(associations.has(row.id) && {
            resource_type_associations: associations.get(row.id)!.map(viewAssociation),
          }),
        })),
        first: link([]),
        ...(isFull && { next: link([['marker', rows.at(-1)!.namespace]]) }),
        schema: '/v2/schemas/metadefs/namespaces',
      },
    }
  },
})

const create = route({
  method: 'POST',
  path: '/metadefs/namespaces',
  policy: policy('add_metadef_namespace'),
  body: anyObject,
  answer: { 201: madeAnswer },
  async handle({ ctx, body }, deps) {
    const definition = checkBody('namespace', body)
    const own = { project_id: ctx.projectId }
    ctx.authorize(policy('add_metadef_namespace'), own)
    const rules = {
      resource_type_associations: 'add_metadef_resource_type_association',
      objects: 'add_metadef_object',
      properties: 'add_metadef_property',
      tags: 'add_metadef_tag',
    } as const
    for (const [name, rule] of Object.entries(rules))
      if (definition[name as keyof typeof rules]) ctx.authorize(policy(rule), own)
    const row = await createNamespace(deps, definition, ctx.projectId ?? '')
    const { resource_type_associations: types, objects, properties, tags } = definition
    return {
      status: 201,
      headers: { Location: namespacePath(row.namespace) },
      body: {
        ...viewNamespace(row),
        ...(types && { resource_type_associations: types }),
        ...(objects && { objects }),
        ...(properties && { properties }),
        ...(tags && { tags }),
      },
    }
  },
})

const show = route({
  method: 'GET',
  path: '/metadefs/namespaces/:namespace',
  policy: policy('get_metadef_namespace'),
  answer: { 200: wholeAnswer },
  async handle({ ctx, params, query }, deps) {
    const rules = ['list_metadef_resource_types', 'get_metadef_objects', 'get_metadef_properties', 'get_metadef_tags']
    const row = await namespaceFor(ctx, deps, params.namespace, ...rules)
    const whole = await wholeNamespace(deps, row, last(query, 'resource_type'))
    return { status: 200, body: { ...viewNamespace(row), ...whole } }
  },
})

/** What is in a namespace; with a resource type, properties carry the prefix that they have there. */
async function wholeNamespace({ database }: ImageDeps, row: NamespaceRow, resourceType: string | undefined) {
  const { db } = database
  const [types, objects, properties, tags] = await Promise.all([
    listAssociations(db, [row.id]),
    listParts(db, 'metadef_objects', row.id),
    listParts(db, 'metadef_properties', row.id),
    listParts(db, 'metadef_tags', row.id),
  ])
  const prefix = types.find((each) => each.resource_type === resourceType)?.prefix ?? ''
  const prefixed = <T>(record: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix + name, value]))
  const viewed = objects.map((each) => viewObject(row.namespace, each))
  return {
    ...(types.length > 0 && { resource_type_associations: types.map(viewAssociation) }),
    ...(properties.length > 0 && { properties: prefixed(viewProperties(properties)) }),
    ...(objects.length > 0 && {
      objects: viewed.map((each) => ({
        ...each,
        properties: prefixed(each.properties),
        required: each.required.map((name) => prefix + name),
      })),
    }),
    ...(tags.length > 0 && { tags: tags.map(({ name }) => ({ name })) }),
  }
}

const update = route({
  method: 'PUT',
  path: '/metadefs/namespaces/:namespace',
  policy: policy('modify_metadef_namespace'),
  body: anyObject,
  answer: { 200: namespaceAnswer },
  async handle({ ctx, params, body }, deps) {
    const given = checkBody('namespace', body)
    const before = await namespaceFor(ctx, deps, params.namespace, 'modify_metadef_namespace')
    const row: NamespaceRow = {
      ...before,
      namespace: given.namespace,
      display_name: given.display_name ?? null,
      description: given.description ?? null,
      visibility: given.visibility ?? 'private',
      is_protected: given.protected ? 1 : 0,
      owner: given.owner ?? ctx.projectId ?? '',
      updated_at: Date.now(),
    }
    if (!(await updateNamespace(deps.database.db, before.id, row)))
      throw new ImageConflict(
        `Invalid update. It would result in a duplicate metadata definition namespace with the same name of ${given.namespace}`,
      )
    return { status: 200, body: viewNamespace(row) }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/metadefs/namespaces/:namespace',
  policy: policy('delete_metadef_namespace'),
  answer: { 204: null },
  async handle({ ctx, params }, deps) {
    const row = await namespaceFor(ctx, deps, params.namespace, 'delete_metadef_namespace')
    await removeNamespace(deps, row)
    return { status: 204 }
  },
})

const empty = (name: string, table: PartTable, ...rules: readonly string[]) =>
  route({
    method: 'DELETE',
    path: `/metadefs/namespaces/:namespace/${name}`,
    policy: rules.map(policy),
    answer: { 204: null },
    async handle({ ctx, params }, deps) {
      const row = await namespaceFor(ctx, deps, params.namespace, ...rules)
      requireUnprotected(row)
      await deleteParts(deps.database.db, table, row.id)
      return { status: 204 }
    },
  })

export const namespaceRoutes = [
  list,
  create,
  show,
  update,
  remove,
  empty('objects', 'metadef_objects', 'delete_metadef_namespace'),
  empty('properties', 'metadef_properties', 'delete_metadef_namespace'),
  empty('tags', 'metadef_tags', 'delete_metadef_namespace', 'delete_metadef_tags'),
]
