/**
 * The five operations that all of keystone's entities share. An entity says what is its own: schemas, filters, how a
 * row looks, what its policies see, and what creating, changing and deleting means.
 */
import { Type, type TObject, type TProperties, type TSchema } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import type { PolicyTarget, Rule } from '../../../platform/auth/policy.ts'
import { Invalid } from '../../../platform/errors.ts'
import type { ApiRequest, Query, Route } from '../../../platform/http/route.ts'
import { route } from './route.ts'
import type { IdentityDeps } from '../deps.ts'
import { IdentityNotFound } from '../errors.ts'
import { policy } from '../policies.ts'
import { selectPage, type Filter } from '../store/listing.ts'
import { findRow, type Row, type Table } from '../store/rows.ts'
import { linked, listAnswer, oneOf, withFields } from './answers.ts'
import { withLinks, type Collection } from './links.ts'
import { filtersOf, pageAnswer, pageOf, requireMarker, type Filters, type ListSection } from './paging.ts'

export type Attributes = Record<string, unknown>
export type Verb = 'list' | 'show' | 'create' | 'update' | 'delete'

/** What the rule of a request may depend on. */
export interface RuleFacts<T extends Table> {
  row?: Row<T>
  attributes?: Attributes
  query?: Query
}

/** What a listing needs to know. */
export interface Listing<T extends Table> {
  table: T
  plural: string
  /** Below /v3; default is the plural. */
  path?: string
  filters: Filters
  /** Which `list_limit` counts. */
  section?: ListSection
  /** What `view` shows. */
  answer: TObject
  view(row: Row<T>, deps: IdentityDeps): object | Promise<object>
  /** All rows at once, where `view` would ask the database for each. */
  viewAll?(rows: readonly Row<T>[], deps: IdentityDeps): Promise<object[]>
}

export interface Entity<T extends Table> extends Listing<T> {
  singular: string
  /** In messages: `Could not find user: X.` */
  title?: string
  /** Known attributes of a create body; others are kept as `extra` unless the entity is `strict`. */
  create: TProperties
  update: TProperties
  /** Refuses attributes that it does not know. */
  strict?: boolean
  /** Conditions of a listing besides the filters. */
  conditions?(query: Query): readonly Filter[]
  /** Columns of every look-up by id, e.g. `is_domain`. */
  fixed?: Partial<Row<T>>
  /** Brings the row of an id up to date before it is looked at, where its home is elsewhere. */
  refresh?(deps: IdentityDeps, id: string): Promise<void>
  /** The same for a listing; further conditions of it. */
  gather?(deps: IdentityDeps, request: ApiRequest): Promise<readonly Filter[]>
  /** The column by which callers with a domain's scope see only what is of their domain. */
  ownDomain?: string
  /** Rules by other names than `list_users`, `get_user`, … */
  rules?: Readonly<Record<Verb, readonly string[]>>
  /** Where a missing row is told before the rule is asked, as keystone does: elsewhere 404 is only for who passes it. */
  existsFirst?: readonly Verb[]
  /** Which of several rules counts; the first without it. */
  ruleFor?(verb: Verb, facts: RuleFacts<T>): string
  /** What `expand` shows. */
  expansion?: TProperties
  /** What is only shown of a single entity, as the query asks. */
  expand?(row: Row<T>, deps: IdentityDeps, request: ApiRequest): Promise<object>
  /** What the policies see of an existing row. */
  target(row: Row<T>): PolicyTarget
  /** What the policies see of a new entity: where it will be, by the same derivation as `insert`, whatever its body says. */
  newTarget?(ctx: Context, attributes: Attributes, deps: IdentityDeps): PolicyTarget | Promise<PolicyTarget>
  insert(deps: IdentityDeps, attributes: Attributes, ctx: Context): Promise<Row<T>>
  change(deps: IdentityDeps, row: Row<T>, attributes: Attributes, ctx: Context): Promise<Row<T>>
  remove(deps: IdentityDeps, row: Row<T>, ctx: Context): Promise<void>
}

/** An entity's row by id. Throws IdentityNotFound. */
export async function load<T extends Table>(entity: Entity<T>, deps: IdentityDeps, id: string): Promise<Row<T>> {
  const row = await find(entity, deps, id)
  if (!row) throw new IdentityNotFound(entity.title ?? entity.singular, id)
  return row
}

async function find<T extends Table>(entity: Entity<T>, deps: IdentityDeps, id: string) {
  await entity.refresh?.(deps, id)
  return findRow(deps.database.db, entity.table, { ...entity.fixed, id } as Partial<Row<T>>)
}

/** What a rule sees of a listing: the domain that the caller's token is for. */
export const listTarget = ({ domainId }: Context): PolicyTarget =>
  domainId === null
    ? {}
    : {
        target: {
          domain_id: domainId,
          domain: { id: domainId },
          user: { domain_id: domainId },
          group: { domain_id: domainId },
          project: { domain_id: domainId },
        },
      }

/** With a domain's token only that domain's rows are seen. */
export const ofOwnDomain = ({ ownDomain }: { ownDomain?: string }, { domainId }: Context): Filter[] =>
  ownDomain !== undefined && domainId !== null ? [{ column: ownDomain, comparator: '=', value: domainId }] : []

/** The rows of an entity that meet the conditions and the filters of the query, a page of them where it asks for one. */
export async function answerListing<T extends Table>(
  entity: Listing<T>,
  { query, baseUrl, url }: ApiRequest,
  deps: IdentityDeps,
  conditions: readonly Filter[],
): Promise<Collection> {
  const page = pageOf(query, deps.config, entity.section)
  await requireMarker(deps, entity.table, page)
  const filters = [...conditions, ...filtersOf(entity.filters, query)]
  const { rows, isCut } = await selectPage(deps.database.db, entity.table, filters, page)
  const views = await (entity.viewAll?.(rows, deps) ?? Promise.all(rows.map((row) => entity.view(row, deps))))
  const place = pathOf(entity).slice(1)
  const items = views.map((view) => withLinks(baseUrl, place, view as { id: string }))
  return pageAnswer(entity.plural, items, { baseUrl, url }, isCut ? page : undefined)
}

const pathOf = (entity: { path?: string; plural: string }): string => entity.path ?? `/${entity.plural}`

/** Routes of list, show, create, update and delete. */
export function resource<T extends Table>(entity: Entity<T>): Route<IdentityDeps>[] {
  const { singular, plural } = entity
  const path = pathOf(entity)
  const shown = linked(entity.answer)
  const names = entity.rules ?? defaultRules(singular, plural)
  const rules = (verb: Verb): Rule[] => names[verb].map(policy)
  const ruleOf = (verb: Verb, facts: RuleFacts<T>): Rule => policy(entity.ruleFor?.(verb, facts) ?? names[verb][0]!)
  const show = async (row: Row<T>, deps: IdentityDeps, baseUrl: string) =>
    withLinks(baseUrl, path.slice(1), (await entity.view(row, deps)) as { id: string })

  /** The row of the address. Who may not see it is not told whether it exists. */
  const found = async (
    verb: Verb,
    { ctx, params }: Pick<ApiRequest<unknown, { id: string }>, 'ctx' | 'params'>,
    deps: IdentityDeps,
  ): Promise<Row<T>> => {
    const id = params.id
    const row = await find(entity, deps, id)
    if (!row && entity.existsFirst?.includes(verb)) throw new IdentityNotFound(entity.title ?? singular, id)
    ctx.authorize(ruleOf(verb, row ? { row } : {}), row ? entity.target(row) : {})
    if (!row) throw new IdentityNotFound(entity.title ?? singular, id)
    return row
  }

  /** What an update is about, found before its body is looked at: who may not change it learns nothing about the body. */
  const admitted = new WeakMap<Context, Row<T>>()

  return [
    route({
      method: 'GET',
      path,
      policy: rules('list'),
      answer: listAnswer(plural, shown),
      async handle(request, deps) {
        const { ctx, query } = request
        ctx.authorize(ruleOf('list', { query }), listTarget(ctx))
        const gathered = (await entity.gather?.(deps, request)) ?? []
        return answerListing(entity, request, deps, [
          ...(entity.conditions?.(query) ?? []),
          ...gathered,
          ...ofOwnDomain(entity, ctx),
        ])
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:id`,
      policy: rules('show'),
      answer: { 200: oneOf(singular, withFields(shown, entity.expansion ?? {})) },
      async handle(request, deps) {
        const row = await found('show', request, deps)
        const more = await entity.expand?.(row, deps, request)
        return { status: 200, body: { [singular]: { ...(await show(row, deps, request.baseUrl)), ...more } } }
      },
    }),
    route({
      method: 'POST',
      path,
      policy: rules('create'),
      body: wrap(singular, entity.create, entity.strict, 0),
      answer: { 201: oneOf(singular, shown) },
      async handle({ ctx, body, baseUrl }, deps) {
        const attributes = (body as Record<string, Attributes>)[singular]!
        const target = (await entity.newTarget?.(ctx, attributes, deps)) ?? {}
        ctx.authorize(ruleOf('create', { attributes }), target)
        const row = await entity.insert(deps, attributes, ctx)
        deps.changed()
        return { status: 201, body: { [singular]: await show(row, deps, baseUrl) } }
      },
    }),
    route({
      method: 'PATCH',
      path: `${path}/:id`,
      policy: rules('update'),
      body: wrap(singular, entity.update, entity.strict, 1),
      answer: { 200: oneOf(singular, shown) },
      async admit(request, deps) {
        admitted.set(request.ctx, await found('update', request, deps))
      },
      async handle(request, deps) {
        const row = admitted.get(request.ctx)!
        const attributes = (request.body as Record<string, Attributes>)[singular]!
        if (attributes['id'] != null && attributes['id'] !== request.params.id) {
          throw new Invalid('Cannot change ID')
        }
        const changed = await entity.change(deps, row, attributes, request.ctx)
        deps.changed()
        return { status: 200, body: { [singular]: await show(changed, deps, request.baseUrl) } }
      },
    }),
    route({
      method: 'DELETE',
      path: `${path}/:id`,
      policy: rules('delete'),
      answer: { 204: null },
      async handle(request, deps) {
        await entity.remove(deps, await found('delete', request, deps), request.ctx)
        deps.changed()
        return { status: 204 }
      },
    }),
  ]
}

const defaultRules = (singular: string, plural: string): Record<Verb, string[]> => ({
  list: [`list_${plural}`],
  show: [`get_${singular}`],
  create: [`create_${singular}`],
  update: [`update_${singular}`],
  delete: [`delete_${singular}`],
})

const wrap = (singular: string, properties: TProperties, strict = false, minProperties: number): TSchema =>
  Type.Object({
    [singular]: Type.Object(properties, {
      ...(strict && { additionalProperties: false }),
      ...(minProperties > 0 && { minProperties }),
    }),
  })

/** Attributes that are no columns, as JSON for the `extra` column. */
export function extraOf(attributes: Attributes, known: readonly string[], before = '{}'): string {
  const rest = Object.entries(attributes).filter(([name]) => !known.includes(name) && name !== 'id' && name !== 'links')
  return JSON.stringify({ ...(JSON.parse(before) as object), ...Object.fromEntries(rest) })
}

export const extras = (row: { extra: string }): object => JSON.parse(row.extra) as object
export { newId } from '../store/new-rows.ts'
