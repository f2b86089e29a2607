/**
 * Neutron's dialect of the resource kit: one or many are made at once, who may not see something is told that it is not
 * there, attributes have rules of their own, `If-Match` holds a revision, `fields` picks attributes.
 */
import type { Static, TObject } from 'typebox'
import { resourceKit, type Dialect, type Input } from '../../../../platform/api/resource.ts'
import type { Context } from '../../../../platform/auth/context.ts'
import type { Shown } from '../../../../platform/http/answers.ts'
import type { Query, Route } from '../../../../platform/http/route.ts'
import type { NetworkDeps } from '../../deps.ts'
import { policy } from '../../policies.ts'
import type { NetworkDb, OwnedTable, Row } from '../../store/rows.ts'
import { changedAnswer, listAnswer, madeAnswer, resourceOf, showAnswer } from './answers.ts'
import { requireAttributes, withAnyName } from './attributes.ts'
import { itemsOf, oneOrMany } from './bulk.ts'
import type { Collection } from './collection.ts'
import { list } from './list.ts'
import { pick } from './listing.ts'
import { requireRevision } from './revision.ts'
import { closed, convert, ownerOf } from './schema.ts'
import { authorizeAttributes, seen, visible, withoutHidden } from './seen.ts'
import { ownedBy } from './targets.ts'
import { route } from '../route.ts'

type AnyRow = Row<OwnedTable>

/** These rows as the caller may see them. */
async function viewsFor<T extends OwnedTable>(
  collection: Collection<T>,
  ctx: Context,
  deps: NetworkDeps,
  rows: readonly Row<T>[],
) {
  const targetOf = await collection.targets(deps.database.db, rows)
  return withoutHidden(collection, await seen(collection, ctx, deps, rows, targetOf))
}

const dialect: Dialect<NetworkDeps, NetworkDb, AnyRow, Collection, string> = {
  updateMethod: 'PUT',
  rules: ({ singular }, verb) => [policy(`${verb === 'list' || verb === 'show' ? 'get' : verb}_${singular}`)],
  answers(collection, verb) {
    const { singular, plural } = collection
    const item = resourceOf(collection)
    if (verb === 'list') return listAnswer(plural, item)
    if (verb === 'show') return showAnswer(singular, item)
    if (verb === 'create') return madeAnswer(singular, item)
    return verb === 'update' ? changedAnswer(singular, item) : { 204: null }
  },
  bodySchema: ({ singular }, verb, schema) =>
    verb === 'create' ? oneOrMany(singular, schema) : closed({ [singular]: withAnyName(schema) }),
  inputs(collection, verb, schema, { body }) {
    if (verb === 'create') return itemsOf(schema, collection, body as Input)
    const given = (body as Record<string, Input>)[collection.singular]!
    requireAttributes(collection, schema, given, 'PUT')
    return [convert(schema, given)]
  },
  reader: ({ database }) => database.db,
  change: (deps, work) => deps.change(work),
  list,
  async permit(collection, verb, { ctx, params, headers }, tx, _deps, input = {}) {
    const { row, target } = await visible(collection, ctx, tx, params['id'] ?? '')
    if (verb === 'show') return row
    const rule = `${verb}_${collection.singular}`
    const future = { ...target, ...input, ...ownedBy(row.project_id) }
    ctx.authorize(policy(rule), future)
    authorizeAttributes(ctx, rule, input, future)
    requireRevision(headers, row)
    return row
  },
  async permitNew({ singular }, creation, { ctx }, tx, deps, input) {
    const owner = (await creation.placeOf?.(tx, input, ctx, deps)) ?? ownerOf(ctx, input)
    const target = (await creation.target?.(tx, input, owner, ctx, deps)) ?? ownedBy(owner)
    ctx.authorize(policy(`create_${singular}`), target)
    authorizeAttributes(ctx, `create_${singular}`, input, target, creation.defaults)
    return owner
  },
  async body(collection, verb, { ctx, body, query }, deps, rows) {
    const { singular, plural } = collection
    const views = await viewsFor(collection, ctx, deps, rows)
    if (verb === 'create' && Object.hasOwn(body as object, plural)) return { [plural]: views }
    return { [singular]: verb === 'show' ? pick(views[0]!, query) : views[0] }
  },
}

export const { readRoutes, createRoute, updateRoute, removeRoute } = resourceKit(dialect)

/** One resource as its caller may see it. */
export async function answer<T extends OwnedTable>(
  collection: Collection<T>,
  ctx: Context,
  deps: NetworkDeps,
  id: string,
  query: Query = {},
): Promise<{ status: 200; body: Record<string, object> }> {
  const row = await collection.find(deps.database.db, { id })
  if (!row) throw collection.notFound({ id })
  const [view] = await viewsFor(collection, ctx, deps, [row])
  return { status: 200, body: { [collection.singular]: pick(view!, query) } }
}

/** `PUT` of an action below a resource (`add_prefixes`); its rule has the action's name. */
export function actionRoute<T extends OwnedTable, S extends TObject, A extends TObject>(
  collection: Collection<T>,
  action: string,
  schema: S,
  shows: A,
  handle: (tx: NetworkDb, deps: NetworkDeps, row: Row<T>, input: Static<S>, ctx: Context) => Promise<Shown<A>>,
): Route<NetworkDeps> {
  return route({
    method: 'PUT',
    path: `${collection.path}/:id/${action}`,
    policy: policy(action),
    body: schema as TObject,
    answer: { 200: shows as TObject },
    async handle({ ctx, params, headers, body }, deps) {
      const done = await deps.change(async (tx) => {
        const { row, target } = await visible(collection, ctx, tx, params['id'] ?? '')
        ctx.authorize(policy(action), target)
        requireRevision(headers, row)
        return handle(tx, deps, row, convert(schema, body) as Static<S>, ctx)
      })
      return { status: 200, body: done }
    },
  })
}
