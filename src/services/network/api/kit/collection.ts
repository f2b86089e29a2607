/**
 * Neutron's resources answer alike: one list, one show, creation of one or many, update, deletion, each with its policy,
 * its attributes' policies, `If-Match`, tags and `fields`. A resource says what differs; this file does the rest.
 */
import type { TObject } from 'typebox'
import { distinctBy } from '../../../../base/distinct.ts'
import type { Context } from '../../../../platform/auth/context.ts'
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import type { SortKey } from '../../../../platform/db/keyset.ts'
import type { Shown } from '../../../../platform/http/answers.ts'
import { ServiceError, NotFound } from '../../../../platform/errors.ts'
import type { Query, Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { NetworkDeps } from '../../deps.ts'
import { attributePolicy, guardedAttributes, policy } from '../../policies.ts'
import { findRow, type NetworkDb, type Owned, type OwnedTable, type Row, type Scope } from '../../store/rows.ts'
import { tagsOf, type Taggable } from '../../store/tags.ts'
import {
  asksOnlyOf,
  canonicalFilters,
  cut,
  linksOf,
  pageOf,
  pagingOf,
  pick,
  requireKnown,
  unknownMarker,
  type View,
} from './listing.ts'
import { changedAnswer, listAnswer, madeAnswer, resourceOf, showAnswer } from './answers.ts'
import { pageOfRows, partsOf, scopeFor } from './rows-of-list.ts'
import { requireRevision } from './revision.ts'
import { requireAttributes, withAnyName, type Attributes } from './attributes.ts'
import { itemsOf, oneOrMany } from './bulk.ts'
import { closed, convert, ownerOf } from './schema.ts'
import { ownedBy } from './targets.ts'

export interface Collection<T extends OwnedTable> extends Attributes {
  /** `security_group`; the plural is this with an s, the path has hyphens. */
  singular: string
  table: T
  /** Set where its resources may have tags. */
  tags?: Taggable
  /** Those of the filters that are text columns, for the database to narrow the list by. */
  columns: readonly string[]
  /** Attributes that may be filtered by and are never shown. */
  hidden?: readonly string[]
  /** How its resources look, before tags and policies. */
  answer: TObject
  /** What a caller who is neither administrator nor service can see at most; policies have the last word. */
  scope(ctx: Context): Scope
  notFound(id: string): ServiceError
  /** What the policies of these rows ask for, read at once. */
  targets(db: NetworkDb, rows: readonly Row<T>[]): Promise<(row: Row<T>) => PolicyTarget>
  /** How these rows look, whatever has to be read for it read at once. */
  views(db: NetworkDb, rows: readonly Row<T>[], deps: NetworkDeps): Promise<View[]>
}

export const pluralOf = ({ singular }: { singular: string }): string => `${singular}s`
export const pathOf = (collection: { singular: string }): string => `/${pluralOf(collection).replaceAll('_', '-')}`

/** Facts of a resource whose owner alone decides. */
export const owned = (row: { project_id: string }): PolicyTarget => ownedBy(row.project_id)
export const ownedTargets = () => Promise.resolve(owned)
/** What a project has of its own; who is above projects sees all. */
export const ownScope = (ctx: Context): Scope => ({ any: [['project_id', ctx.projectId ?? '']] })
export const ownOrSharedScope = (ctx: Context): Scope => ({
  any: [
    ['project_id', ctx.projectId ?? ''],
    ['shared', 1],
  ],
})

/** A row that the caller may see. Throws the collection's 404 for those of others too. */
export async function visible<T extends OwnedTable>(
  collection: Collection<T>,
  ctx: Context,
  db: NetworkDb,
  id: string,
): Promise<{ row: Row<T> & Owned; target: PolicyTarget }> {
  const row = (await findRow(db, collection.table, { id } as never)) as (Row<T> & Owned) | undefined
  const target = row && (await collection.targets(db, [row]))(row)
  if (!row || !target || !ctx.can(policy(`get_${collection.singular}`), target)) throw collection.notFound(id)
  return { row, target }
}

/** The answers' resources: views with tags, without what the caller may not see. */
async function shown<T extends OwnedTable>(
  collection: Collection<T>,
  ctx: Context,
  deps: NetworkDeps,
  rows: readonly Row<T>[],
  targetOf: (row: Row<T>) => PolicyTarget,
): Promise<View[]> {
  const { db } = deps.database
  const views = await collection.views(db, rows, deps)
  if (collection.tags) {
    const ids = views.map(({ id }) => id)
    const tags = await tagsOf(db, collection.tags, ids)
    for (const view of views) view['tags'] = tags.get(view.id) ?? []
  }
  const guarded = guardedAttributes(collection.singular)
  const rules = guarded.map((name) => [name, attributePolicy(`get_${collection.singular}`, name)!] as const)
  for (const [index, view] of views.entries()) {
    for (const [name, rule] of rules) {
      if (Object.hasOwn(view, name) && !ctx.can(rule, targetOf(rows[index]!))) delete view[name]
    }
  }
  return views
}

function withoutHidden({ hidden = [] }: { hidden?: readonly string[] }, views: readonly View[]): readonly View[] {
  for (const view of views) for (const name of hidden) delete view[name]
  return views
}

/** One resource as its caller may see it. */
export async function answer<T extends OwnedTable>(
  collection: Collection<T>,
  ctx: Context,
  deps: NetworkDeps,
  id: string,
  query: Query = {},
): Promise<{ status: 200; body: Record<string, object> }> {
  const { db } = deps.database
  const row = (await findRow(db, collection.table, { id } as never)) as Row<T> | undefined
  if (!row) throw collection.notFound(id)
  const views = await shown(collection, ctx, deps, [row], await collection.targets(db, [row]))
  const [view] = withoutHidden(collection, views)
  return { status: 200, body: { [collection.singular]: pick(view!, query) } }
}

/** Each attribute in the body that is somebody's privilege is refused by its own rule, parts of attributes too. */
export function authorizeAttributes(
  ctx: Context,
  action: string,
  input: object,
  target: PolicyTarget,
  defaults: Readonly<Record<string, unknown>> = {},
): void {
  for (const [name, value] of Object.entries(input)) {
    // Who creates something says nothing new with the value it would have anyway.
    if (value === undefined || (Object.hasOwn(defaults, name) && defaults[name] === value)) continue
    const rule = attributePolicy(action, name)
    if (rule) ctx.authorize(rule, target)
    const parts = [value].flat().filter((each): each is object => typeof each === 'object' && each !== null)
    for (const part of new Set(parts.flatMap((each) => Object.keys(each)))) {
      const inner = attributePolicy(action, `${name}:${part}`)
      if (inner) ctx.authorize(inner, target)
    }
  }
}

const columnOf = (name: string) => (name === 'tenant_id' ? 'project_id' : name)

/** The part of the query that the database answers. */
function whereOf({ columns }: { columns: readonly string[] }, query: Query): Record<string, readonly string[]> {
  const asked = canonicalFilters(query)
  return Object.fromEntries(columns.flatMap((name) => (asked[name] ? [[columnOf(name), asked[name]]] : [])))
}

/** The order that is asked for; by id at last, so that it is total. */
function keysOf(query: Query, isReverse: boolean): SortKey[] {
  const names = (query['sort_key'] ?? []).filter((name) => name !== '')
  const directions = (query['sort_dir'] ?? []).filter((each) => each !== '')
  const keys = names.map((name, index) => ({ column: columnOf(name), isDescending: directions[index] === 'desc' }))
  const all = [...keys, { column: 'id', isDescending: false }]
  // What is sorted by once is sorted by it; the condition of a marker grows with the square of the keys.
  return distinctBy(all, (key) => key.column).map(({ column, isDescending }) => ({
    column,
    direction: isDescending === isReverse ? 'asc' : 'desc',
  }))
}

/** The row that a page begins behind. Throws 400 for one that the caller does not see. */
async function markerOf<T extends OwnedTable>(
  collection: Collection<T>,
  ctx: Context,
  db: NetworkDb,
  id: string,
): Promise<Row<T>> {
  try {
    return (await visible(collection, ctx, db, id)).row
  } catch (error) {
    if (error instanceof NotFound) throw unknownMarker(pluralOf(collection), id)
    throw error
  }
}

/** The list and one of them. */
export function readRoutes<T extends OwnedTable>(collection: Collection<T>): Route<NetworkDeps>[] {
  const { singular } = collection
  const rule = policy(`get_${singular}`)
  const item = resourceOf(collection)
  const list = route({
    method: 'GET',
    path: pathOf(collection),
    policy: rule,
    answer: listAnswer(pluralOf(collection), item),
    async handle(request, deps) {
      const { ctx, query } = request
      requireKnown(query, collection.filters)
      const { db } = deps.database
      const isPlain = asksOnlyOf(query, collection.columns)
      const page = pagingOf(query)
      const listing = {
        table: collection.table,
        where: whereOf(collection, query),
        scope: scopeFor(ctx, collection.scope),
        keys: isPlain ? keysOf(query, page.isReverse) : keysOf({}, false),
        targets: collection.targets,
        isSeen: (target: PolicyTarget) => ctx.can(rule, target),
      }
      const plural = pluralOf(collection)
      if (isPlain && page.limit !== Infinity) {
        const after = page.marker === undefined ? undefined : await markerOf(collection, ctx, db, page.marker)
        const { rows, targetOf } = await pageOfRows(db, listing, { after, limit: page.limit })
        const inOrder = page.isReverse ? rows.toReversed() : rows
        const views = withoutHidden(collection, await shown(collection, ctx, deps, inOrder, targetOf))
        return pageOf(plural, views, linksOf(request, page, views), query)
      }
      const all: View[] = []
      for await (const { rows, targetOf } of partsOf(db, listing))
        all.push(...(await shown(collection, ctx, deps, rows, targetOf)))
      const { items, links } = isPlain ? { items: all, links: [] } : cut(plural, all, request)
      return pageOf(plural, withoutHidden(collection, items), links, query)
    },
  })
  const show = route({
    method: 'GET',
    path: `${pathOf(collection)}/:id`,
    policy: rule,
    answer: showAnswer(singular, item),
    async handle({ ctx, params, query }, deps) {
      const { row } = await visible(collection, ctx, deps.database.db, params.id)
      return answer(collection, ctx, deps, row.id, query)
    },
  })
  return [list, show]
}

/** What is done once a change is committed: telling others of it. */
export type Afterwards = () => void | Promise<void>
const finish = async (afterwards: void | Afterwards) => afterwards?.()

type Owner = { project_id?: string; tenant_id?: string }

export interface Creation<T extends OwnedTable, Input extends object> {
  schema: TObject
  /** Values that an attribute has anyway: naming them needs no right of its own. */
  defaults?: Readonly<Record<string, unknown>>
  /** Facts about what will be, where they are more than its owner. */
  target?(tx: NetworkDb, input: Input, projectId: string, ctx: Context): Promise<PolicyTarget>
  /** Who it will belong to, where that is not the caller or whom the body names. */
  ownerOf?(ctx: Context, deps: NetworkDeps, input: Input & Owner): Promise<string>
  insert(tx: NetworkDb, deps: NetworkDeps, input: Input, projectId: string, ctx: Context): Promise<Row<T>>
  /** Once all are committed. */
  afterwards?(deps: NetworkDeps, rows: readonly Row<T>[]): void | Promise<void>
}

/** `POST`: one or many, all of them or none. */
export function createRoute<T extends OwnedTable, Input extends object>(
  collection: Collection<T>,
  creation: Creation<T, Input>,
): Route<NetworkDeps> {
  const { singular } = collection
  return route({
    method: 'POST',
    path: pathOf(collection),
    policy: policy(`create_${singular}`),
    body: oneOrMany(singular, creation.schema),
    answer: madeAnswer(singular, resourceOf(collection)),
    async handle({ ctx, body }, deps) {
      const given = body as Record<string, unknown>
      const many = given[pluralOf(collection)] as unknown[] | undefined
      const inputs = itemsOf<Input & Owner>(creation.schema, collection, given)
      const owners: string[] = []
      for (const input of inputs)
        owners.push(creation.ownerOf ? await creation.ownerOf(ctx, deps, input) : ownerOf(ctx, input))
      const rows = await deps.change(async (tx) => {
        const made: Row<T>[] = []
        for (const [index, input] of inputs.entries()) {
          const projectId = owners[index]!
          const target = creation.target ? await creation.target(tx, input, projectId, ctx) : ownedBy(projectId)
          ctx.authorize(policy(`create_${singular}`), target)
          authorizeAttributes(ctx, `create_${singular}`, input, target, creation.defaults)
          made.push(await creation.insert(tx, deps, input, projectId, ctx))
        }
        return made
      })
      await creation.afterwards?.(deps, rows)
      const all = await shown(collection, ctx, deps, rows, await collection.targets(deps.database.db, rows))
      const views = withoutHidden(collection, all)
      return { status: 201, body: many ? { [pluralOf(collection)]: views } : { [singular]: views[0] } }
    },
  })
}

export interface Change<T extends OwnedTable, Input extends object> {
  schema: TObject
  apply(tx: NetworkDb, deps: NetworkDeps, row: Row<T>, input: Input, ctx: Context): Promise<void | Afterwards>
}

/** `PUT` of one resource. */
export function updateRoute<T extends OwnedTable, Input extends object>(
  collection: Collection<T>,
  change: Change<T, Input>,
): Route<NetworkDeps> {
  const { singular } = collection
  return route({
    method: 'PUT',
    path: `${pathOf(collection)}/:id`,
    policy: policy(`update_${singular}`),
    body: closed({ [singular]: withAnyName(change.schema) }),
    answer: changedAnswer(singular, resourceOf(collection)),
    async handle({ ctx, params, headers, body }, deps) {
      const given = (body as Record<string, object>)[singular]!
      requireAttributes(collection, change.schema, given, 'PUT')
      const input = convert(change.schema, given) as unknown as Input
      const id = params.id
      const afterwards = await deps.change(async (tx) => {
        const { row, target } = await visible(collection, ctx, tx, id)
        const future = { ...target, ...input, ...ownedBy(row.project_id) }
        ctx.authorize(policy(`update_${singular}`), future)
        authorizeAttributes(ctx, `update_${singular}`, input, future)
        requireRevision(headers, row)
        return change.apply(tx, deps, row, input, ctx)
      })
      await finish(afterwards)
      return answer(collection, ctx, deps, id)
    },
  })
}

/** `PUT` of an action below a resource (`add_prefixes`); its rule has the action's name. */
export function actionRoute<T extends OwnedTable, A extends TObject>(
  collection: Collection<T>,
  action: string,
  schema: TObject,
  shows: A,
  handle: (tx: NetworkDb, deps: NetworkDeps, row: Row<T>, input: never, ctx: Context) => Promise<Shown<A>>,
): Route<NetworkDeps> {
  return route({
    method: 'PUT',
    path: `${pathOf(collection)}/:id/${action}`,
    policy: policy(action),
    body: schema,
    answer: { 200: shows as TObject },
    async handle({ ctx, params, headers, body }, deps) {
      const done = await deps.change(async (tx) => {
        const { row, target } = await visible(collection, ctx, tx, params.id)
        ctx.authorize(policy(action), target)
        requireRevision(headers, row)
        return handle(tx, deps, row, convert(schema, body) as never, ctx)
      })
      return { status: 200, body: done }
    },
  })
}

/** `DELETE` of one resource. */
export function removeRoute<T extends OwnedTable>(
  collection: Collection<T>,
  drop: (tx: NetworkDb, deps: NetworkDeps, row: Row<T>, ctx: Context) => Promise<void | Afterwards>,
): Route<NetworkDeps> {
  return route({
    method: 'DELETE',
    path: `${pathOf(collection)}/:id`,
    policy: policy(`delete_${collection.singular}`),
    answer: { 204: null },
    async handle({ ctx, params, headers }, deps) {
      const afterwards = await deps.change(async (tx) => {
        const { row, target } = await visible(collection, ctx, tx, params.id)
        ctx.authorize(policy(`delete_${collection.singular}`), target)
        requireRevision(headers, row)
        return drop(tx, deps, row, ctx)
      })
      await finish(afterwards)
      return { status: 204 }
    },
  })
}
