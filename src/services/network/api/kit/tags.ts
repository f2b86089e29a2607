/** Tags of a resource: all of them, and each by its name. */
import { Type } from 'typebox'
import type { ApiRequest, Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { NetworkDeps } from '../../deps.ts'
import { badRequest, invalidInput, notFound } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { touch, type NetworkDb, type Owned, type OwnedTable, type Row } from '../../store/rows.ts'
import { addTags, removeTag, replaceTags, tagsOf, type Taggable } from '../../store/tags.ts'
import { shown } from './answers.ts'
import { closed } from './schema.ts'
import { type Collection } from './collection.ts'
import { visible } from './seen.ts'

const tagLength = 255
const tagsAtMost = 50
const body = Type.Object({
  tags: Type.Array(Type.String({ minLength: 1, maxLength: tagLength }), { uniqueItems: true }),
})

const tagsAnswer = closed({ tags: shown.texts })

const tagNotFound = (tag: string) => notFound('TagNotFound', `Tag ${tag} could not be found.`)

function requireFew(type: string, tags: Iterable<string>) {
  if (new Set(tags).size > tagsAtMost)
    throw badRequest(
      'BadRequest',
      `Bad ${type} request: The number of tags exceed the per-resource limit of ${tagsAtMost}.`,
    )
}

function tagIn({ tag }: { tag: string }): string {
  if (tag.length > tagLength) throw invalidInput(`'${tag}' exceeds maximum length of ${tagLength}`)
  return tag
}

export function tagRoutes<T extends OwnedTable>(collection: Collection<T> & { tags: Taggable }): Route<NetworkDeps>[] {
  const { tags: type } = collection
  const plural = collection.plural
  const all = `${collection.path}/:id/tags` as const
  const each = `${all}/:tag` as const
  const rules = {
    get: policy(`get_${plural}_tags`),
    update: policy(`update_${plural}_tags`),
    delete: policy(`delete_${plural}_tags`),
  }

  async function read({ ctx, params }: ApiRequest<unknown, { id: string }>, { database: { db } }: NetworkDeps) {
    const { row, target } = await visible(collection, ctx, db, params.id)
    ctx.authorize(rules.get, target)
    return (await tagsOf(db, type, [row.id])).get(row.id) ?? []
  }

  /** Tags are no business of the agents, so their revision stays. */
  const write = (
    { ctx, params }: Pick<ApiRequest<unknown, { id: string }>, 'ctx' | 'params'>,
    { database }: NetworkDeps,
    rule: 'update' | 'delete',
    work: (tx: NetworkDb, row: Row<T> & Owned, tags: readonly string[]) => Promise<void>,
  ) =>
    database.transaction(async (tx) => {
      const { row, target } = await visible(collection, ctx, tx, params.id)
      ctx.authorize(rules[rule], target)
      await work(tx, row, (await tagsOf(tx, type, [row.id])).get(row.id) ?? [])
      await touch(tx, collection.table, row)
    })

  return [
    route({
      method: 'GET',
      path: all,
      policy: rules.get,
      answer: { 200: tagsAnswer },
      handle: async (request, deps) => ({
        status: 200,
        body: { tags: await read(request, deps) },
      }),
    }),
    route({
      method: 'GET',
      path: each,
      policy: rules.get,
      answer: { 204: null },
      async handle(request, deps) {
        const tag = tagIn(request.params)
        if (!(await read(request, deps)).includes(tag)) throw tagNotFound(tag)
        return { status: 204 }
      },
    }),
    route({
      method: 'PUT',
      path: all,
      policy: rules.update,
      body,
      answer: { 200: tagsAnswer },
      async handle(request, deps) {
        const { tags } = request.body
        await write(request, deps, 'update', async (tx, row) => {
          requireFew(plural, tags)
          await replaceTags(tx, type, row.id, tags)
        })
        return { status: 200, body: { tags } }
      },
    }),
    route({
      method: 'PUT',
      path: each,
      policy: rules.update,
      answer: { 201: null },
      async handle(request, deps) {
        const tag = tagIn(request.params)
        await write(request, deps, 'update', async (tx, row, tags) => {
          requireFew(plural, [...tags, tag])
          await addTags(tx, type, row.id, tags.includes(tag) ? [] : [tag])
        })
        return { status: 201 }
      },
    }),
    route({
      method: 'DELETE',
      path: all,
      policy: rules.delete,
      answer: { 204: null },
      async handle(request, deps) {
        await write(request, deps, 'delete', (tx, row) => replaceTags(tx, type, row.id, []))
        return { status: 204 }
      },
    }),
    route({
      method: 'DELETE',
      path: each,
      policy: rules.delete,
      answer: { 204: null },
      async handle(request, deps) {
        const tag = tagIn(request.params)
        await write(request, deps, 'delete', async (tx, row) => {
          if ((await removeTag(tx, type, row.id, tag)) === 0) throw tagNotFound(tag)
        })
        return { status: 204 }
      },
    }),
  ]
}
