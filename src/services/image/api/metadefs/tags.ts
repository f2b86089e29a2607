import type { ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { ImageDeps } from '../../deps.ts'
import { ImageConflict } from '../../errors.ts'
import { duplicate, newTag, requireUnprotected } from '../../operations/metadefs.ts'
import { policy } from '../../policies.ts'
import { deletePart, deleteParts, findPart, insertPart, listParts, updatePart } from '../../store/metadefs.ts'
import { missing, namespaceFor, parsePage } from './access.ts'
import { anyObject } from './namespaces.ts'
import { tagAnswer, tagsAnswer } from './answers.ts'
import { checkBody } from './schema.ts'
import { viewTag } from './view.ts'

const base = '/metadefs/namespaces/:namespace/tags'

const list = route({
  method: 'GET',
  path: base,
  policy: policy('get_metadef_tags'),
  answer: { 200: tagsAnswer },
  async handle({ ctx, params, query }, deps) {
    const { db } = deps.database
    const { id, namespace } = await namespaceFor(ctx, deps, params.namespace, 'get_metadef_tags')
    const { markerName, ...page } = parsePage(query, ['name', 'created_at', 'updated_at', 'id'])
    const marker = markerName === undefined ? undefined : await findPart(db, 'metadef_tags', id, markerName)
    if (markerName !== undefined && !marker) throw missing('tag', markerName, namespace)
    const rows = await listParts(db, 'metadef_tags', id, { ...page, marker })
    return { status: 200, body: { tags: rows.map(({ name }) => ({ name })) } }
  },
})

const createOne = route({
  method: 'POST',
  path: `${base}/:name`,
  policy: policy('add_metadef_tag'),
  answer: { 201: tagAnswer },
  async handle({ ctx, params }, deps) {
    const name = params.name
    checkBody('tag', { name })
    const { id, namespace } = await namespaceFor(ctx, deps, params.namespace, 'add_metadef_tag')
    const row = newTag(id, name)
    if (!(await insertPart(deps.database.db, 'metadef_tags', row))) throw duplicate('tag', name, namespace)
    return { status: 201, body: viewTag(row) }
  },
})

/** Takes the place of the tags that are there, unless `X-Openstack-Append` is true. */
const createAll = route({
  method: 'POST',
  path: base,
  policy: policy('add_metadef_tags'),
  body: anyObject,
  answer: { 201: tagsAnswer },
  async handle({ ctx, params, body, headers }, deps) {
    const { tags = [] } = checkBody('tags', body)
    const { id, namespace } = await namespaceFor(ctx, deps, params.namespace, 'add_metadef_tags')
    const isAppending = /^(true|t|1|yes|y|on)$/i.test(String(headers['x-openstack-append'] ?? ''))
    await deps.database.transaction(async (tx) => {
      if (!isAppending) await deleteParts(tx, 'metadef_tags', id)
      for (const { name } of tags)
        if (!(await insertPart(tx, 'metadef_tags', newTag(id, name)))) throw duplicate('tag', name, namespace)
    })
    return { status: 201, body: { tags: tags.map(({ name }) => ({ name })) } }
  },
})

async function load(
  { ctx, params }: Pick<ApiRequest<unknown, { name: string; namespace: string }>, 'ctx' | 'params'>,
  deps: ImageDeps,
  rule: string,
) {
  const owner = await namespaceFor(ctx, deps, params.namespace, rule)
  const name = params.name
  const row = await findPart(deps.database.db, 'metadef_tags', owner.id, name)
  if (!row) throw missing('tag', name, owner.namespace)
  return { owner, row }
}

const show = route({
  method: 'GET',
  path: `${base}/:name`,
  policy: policy('get_metadef_tag'),
  answer: { 200: tagAnswer },
  async handle(request, deps) {
    return { status: 200, body: viewTag((await load(request, deps, 'get_metadef_tag')).row) }
  },
})

const update = route({
  method: 'PUT',
  path: `${base}/:name`,
  policy: policy('modify_metadef_tag'),
  body: anyObject,
  answer: { 200: tagAnswer },
  async handle({ ctx, params, body }, deps) {
    const { name } = checkBody('tag', body)
    const { owner, row } = await load({ ctx, params }, deps, 'modify_metadef_tag')
    const changed = { ...row, name, updated_at: Date.now() }
    if (!(await updatePart(deps.database.db, 'metadef_tags', row.id, changed)))
      throw new ImageConflict(
        `Invalid update. It would result in a duplicate metadata definition tag with same name=${name} in namespace=${owner.namespace}.`,
      )
    return { status: 200, body: viewTag(changed) }
  },
})

const remove = route({
  method: 'DELETE',
  path: `${base}/:name`,
  policy: policy('delete_metadef_tag'),
  answer: { 204: null },
  async handle(request, deps) {
    const { owner, row } = await load(request, deps, 'delete_metadef_tag')
    requireUnprotected(owner, `tag ${row.name}`)
    await deletePart(deps.database.db, 'metadef_tags', row.id)
    return { status: 204 }
  },
})

export const tagRoutes = [list, createOne, createAll, show, update, remove]
