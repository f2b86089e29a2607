/** What keystone's entities are: rows of a table, or things that the caller names himself. */
import type { TObject, TProperties } from 'typebox'
import type { Input, Params, Resource, Verb } from '../../../../platform/api/resource.ts'
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import type { ApiRequest, Query } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import type { Filter, Page } from '../../store/listing.ts'
import { findRow, type IdentityDb, type Row, type Table, type Where } from '../../store/rows.ts'
import { self } from '../answers.ts'
import { ofOwnDomain, selectListing, type Listing } from './listing.ts'

/** What the rule of a request may depend on. */
export interface RuleFacts<R> {
  row?: R
  input?: Input
  query?: Query
}

/** An entity as keystone's dialect of the resource kit knows it. */
export interface Entity<R extends object> extends Resource<R, IdentityDeps, IdentityDb> {
  /** The rules of each operation, by name. */
  rules: Readonly<Record<Verb, readonly string[]>>
  /** Which of several rules counts; the first without it. */
  ruleFor?(verb: Verb, facts: RuleFacts<R>): string
  /** Where a missing row is told before the rule is asked, as keystone does: elsewhere 404 is only for who passes it. */
  existsFirst?: readonly Verb[]
  target(row: R): PolicyTarget
  /** Brings the row of an id up to date before it is looked at, where its home is elsewhere. */
  refresh?(deps: IdentityDeps, id: string): Promise<void>
  /** The rows of a list; with the page where one was cut. */
  select(request: ApiRequest, deps: IdentityDeps): Promise<{ rows: readonly R[]; cut?: Page | undefined }>
  /** Its addresses. */
  links(row: R, baseUrl: string): object
  linksAnswer: TObject
  /** What `expand` shows. */
  expansion?: TProperties
  /** What is only shown of a single entity, as the query asks. */
  expand?(row: R, deps: IdentityDeps, request: ApiRequest): Promise<object>
}

type Shared<R extends object> = Pick<Entity<R>, 'singular' | 'plural' | 'answer' | 'ruleFor' | 'existsFirst'> & {
  rules?: Entity<R>['rules']
}

interface EntitySpec<T extends Table>
  extends Shared<Row<T>>, Omit<Listing<T>, 'path' | 'views'>, Pick<Entity<Row<T>>, 'refresh' | 'expansion' | 'expand'> {
  /** In messages: `Could not find user: X.` */
  title?: string
  /** Below /v3; default is the plural. */
  path?: string
  /** Conditions of a listing besides the filters. */
  conditions?(query: Query): readonly Filter[]
  /** Columns of every look-up by id, e.g. `is_domain`. */
  fixed?: Where<T>
  /** Brings a listing up to date where its home is elsewhere; further conditions of it. */
  gather?(deps: IdentityDeps, request: ApiRequest): Promise<readonly Filter[]>
  /** The column by which callers with a domain's scope see only what is of their domain. */
  ownDomain?: string
  /** What the policies see of a row; nothing by default. */
  target?(row: Row<T>): PolicyTarget
  /** How one looks. */
  view?(row: Row<T>, deps: IdentityDeps): { id: string }
  /** The same for all at once, where more has to be read for them. */
  views?(rows: readonly Row<T>[], deps: IdentityDeps): Promise<{ id: string }[]>
}

export type TableEntity<T extends Table> = Entity<Row<T>> & Listing<T> & Pick<EntitySpec<T>, 'ownDomain'>

/** An entity whose rows are those of a table. */
export function entity<T extends Table>(spec: EntitySpec<T>): TableEntity<T> {
  const { table, singular, plural, title = singular, path = `/${plural}`, fixed } = spec
  const target = spec.target ?? (() => ({}))
  const made: TableEntity<T> = {
    ...spec,
    path,
    target,
    rules: spec.rules ?? rulesOf(singular, plural),
    linksAnswer: self,
    links: (row, baseUrl) => ({ self: `${baseUrl}/v3${path}/${(row as unknown as { id: string }).id}` }),
    find: (db, { id }) => findRow(db, table, { ...fixed, id } as Where<T>),
    notFound: ({ id = '' }) => new IdentityNotFound(title, id),
    targets: () => Promise.resolve(target),
    views: async (_db, rows, deps) => spec.views?.(rows, deps) ?? rows.map((row) => spec.view!(row, deps)),
    async select(request, deps) {
      const gathered = (await spec.gather?.(deps, request)) ?? []
      return selectListing(made, request, deps, [
        ...(spec.conditions?.(request.query) ?? []),
        ...gathered,
        ...ofOwnDomain(spec, request.ctx),
      ])
    },
  }
  return made
}

const rulesOf = (singular: string, plural: string): Record<Verb, string[]> => ({
  list: [`list_${plural}`],
  show: [`get_${singular}`],
  create: [`create_${singular}`],
  update: [`update_${singular}`],
  delete: [`delete_${singular}`],
})

interface NamedSpec<R extends object>
  extends
    Omit<Shared<R>, 'ruleFor' | 'existsFirst'>,
    Pick<Entity<R>, 'path' | 'find' | 'notFound' | 'links' | 'linksAnswer'> {
  list(deps: IdentityDeps, query: Query, params: Params): Promise<readonly R[]>
  view(row: R): { id: string }
}

/** An entity that the caller names: it is created by `PUT` at its address. Federation's are. */
export function namedEntity<R extends object>(spec: NamedSpec<R>): Entity<R> {
  return {
    ...spec,
    isNamedByCaller: true,
    rules: spec.rules ?? rulesOf(spec.singular, spec.plural),
    target: () => ({}),
    targets: () => Promise.resolve(() => ({})),
    views: (_db, rows) => Promise.resolve(rows.map(spec.view)),
    select: async ({ query, params }, deps) => ({ rows: await spec.list(deps, query, params) }),
  }
}

/** An entity's row by id. Throws as its `notFound`. */
export async function load<R extends object>(entity: Entity<R>, deps: IdentityDeps, id: string): Promise<R> {
  await entity.refresh?.(deps, id)
  const row = await entity.find(deps.database.db, { id }, deps)
  if (!row) throw entity.notFound({ id })
  return row
}

/** The address of an entity below /v3 whose name the caller has chosen. */
export const selfLink = (baseUrl: string, path: string, id: string): string =>
  `${baseUrl}/v3${path}/${encodeURIComponent(id)}`
