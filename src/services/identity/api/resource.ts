/**
 * The five operations that all of keystone's entities share. An entity says what is its own: schemas, filters, how a
 * row looks, what its policies see, and what creating, changing and deleting means.
 */
import { Type, type TProperties, type TSchema } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import type { PolicyTarget } from '../../../platform/auth/policy.ts'
import { last, route, type ApiRequest, type Query, type Route } from '../../../platform/http/route.ts'
import type { IdentityDeps } from '../deps.ts'
import { IdentityNotFound } from '../errors.ts'
import { policy } from '../policies.ts'
import { findRow, listRows, type Condition, type Row, type Table } from '../store/rows.ts'
import { collection, withLinks } from './links.ts'

export type Attributes = Record<string, unknown>

export interface Entity<T extends Table> {
  table: T
  singular: string
  plural: string
  /** In messages: `Could not find user: X.` */
  title?: string
  /** Below /v3; default is the plural. */
  path?: string
  /** Known attributes of a create body; others are kept as `extra` where the entity has that. */
  create: TProperties
  update: TProperties
  /** Query parameter to column. Booleans are stored as 0 and 1. */
  filters: Readonly<Record<string, { column: string; kind?: 'text' | 'boolean' }>>
  /** Conditions of every listing. */
  always?: readonly Condition[]
  /** Columns of every look-up by id, e.g. `is_domain`. */
  fixed?: Partial<Row<T>>
  view(row: Row<T>, deps: IdentityDeps): object | Promise<object>
  /** What the policies see of an existing row. */
  target(row: Row<T>): PolicyTarget
  /** What the policies see of a listing or of a new entity. */
  newTarget?(ctx: Context, attributes: Attributes): PolicyTarget
  listTarget?(ctx: Context, query: Query): PolicyTarget
  /** Hides rows from callers that may list only a part. */
  mayList?(ctx: Context, row: Row<T>): boolean
  insert(deps: IdentityDeps, attributes: Attributes, ctx: Context): Promise<Row<T>>
  change(deps: IdentityDeps, row: Row<T>, attributes: Attributes, ctx: Context): Promise<Row<T>>
  remove(deps: IdentityDeps, row: Row<T>): Promise<void>
}

/** An entity's row by id. Throws IdentityNotFound. */
export async function load<T extends Table>(entity: Entity<T>, deps: IdentityDeps, id: string): Promise<Row<T>> {
  const row = await findRow(deps.database.db, entity.table, { ...entity.fixed, id } as Partial<Row<T>>)
  if (!row) throw new IdentityNotFound(entity.title ?? entity.singular, id)
  return row
}

/** Routes of list, show, create, update and delete. */
export function resource<T extends Table>(entity: Entity<T>): Route<IdentityDeps>[] {
  const { singular, plural } = entity
  const path = entity.path ?? `/${plural}`
  const rules = {
    list: policy(`list_${plural}`),
    show: policy(`get_${singular}`),
    create: policy(`create_${singular}`),
    update: policy(`update_${singular}`),
    delete: policy(`delete_${singular}`),
  }
  const show = async (row: Row<T>, deps: IdentityDeps, baseUrl: string) =>
    withLinks(baseUrl, path.slice(1), (await entity.view(row, deps)) as { id: string })

  return [
    route({
      method: 'GET',
      path,
      policy: rules.list,
      async handle({ ctx, query, url, baseUrl }: ApiRequest<never>, deps: IdentityDeps) {
        const canAll = ctx.can(
          rules.list,
          entity.listTarget?.(ctx, query) ?? { target: { domain_id: last(query, 'domain_id') } },
        )
        if (!canAll && !entity.mayList) ctx.authorize(rules.list)
        if (!canAll) {
          const domainId = ctx.domainId
          ctx.authorize(rules.list, { target: { domain_id: domainId, group: { domain_id: domainId } } })
        }
        const rows = await listRows(deps.database.db, entity.table, [
          ...(entity.always ?? []),
          ...conditionsOf(entity, query),
        ])
        const visible = canAll ? rows : rows.filter((row) => entity.mayList!(ctx, row))
        const items = await Promise.all(visible.map((row) => show(row, deps, baseUrl)))
        return collection(plural, items, baseUrl + url)
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:id`,
      policy: rules.show,
      async handle({ ctx, params, baseUrl }: ApiRequest<never>, deps: IdentityDeps) {
        const row = await findRow(deps.database.db, entity.table, { ...entity.fixed, id: params['id'] } as Partial<
          Row<T>
        >)
        // Who may not see it is not told whether it exists.
        ctx.authorize(rules.show, row ? entity.target(row) : {})
        if (!row) throw new IdentityNotFound(entity.title ?? singular, params['id'] ?? '')
        return { status: 200, body: { [singular]: await show(row, deps, baseUrl) } }
      },
    }),
    route({
      method: 'POST',
      path,
      policy: rules.create,
      body: wrap(singular, entity.create),
      async handle({ ctx, body, baseUrl }: ApiRequest<never>, deps: IdentityDeps) {
        const attributes = (body as Record<string, Attributes>)[singular]!
        ctx.authorize(rules.create, entity.newTarget?.(ctx, attributes) ?? {})
        const row = await entity.insert(deps, attributes, ctx)
        deps.changed()
        return { status: 201, body: { [singular]: await show(row, deps, baseUrl) } }
      },
    }) as unknown as Route<IdentityDeps>,
    route({
      method: 'PATCH',
      path: `${path}/:id`,
      policy: rules.update,
      body: wrap(singular, entity.update),
      async handle({ ctx, params, body, baseUrl }: ApiRequest<never>, deps: IdentityDeps) {
        const row = await findRow(deps.database.db, entity.table, { ...entity.fixed, id: params['id'] } as Partial<
          Row<T>
        >)
        ctx.authorize(rules.update, row ? entity.target(row) : {})
        if (!row) throw new IdentityNotFound(entity.title ?? singular, params['id'] ?? '')
        const changed = await entity.change(deps, row, (body as Record<string, Attributes>)[singular]!, ctx)
        deps.changed()
        return { status: 200, body: { [singular]: await show(changed, deps, baseUrl) } }
      },
    }) as unknown as Route<IdentityDeps>,
    route({
      method: 'DELETE',
      path: `${path}/:id`,
      policy: rules.delete,
      async handle({ ctx, params }: ApiRequest<never>, deps: IdentityDeps) {
        const row = await findRow(deps.database.db, entity.table, { ...entity.fixed, id: params['id'] } as Partial<
          Row<T>
        >)
        ctx.authorize(rules.delete, row ? entity.target(row) : {})
        if (!row) throw new IdentityNotFound(entity.title ?? singular, params['id'] ?? '')
        await entity.remove(deps, row)
        deps.changed()
        return { status: 204 }
      },
    }),
  ]
}

const wrap = (singular: string, properties: TProperties): TSchema =>
  Type.Object({ [singular]: Type.Object(properties) })

/** Filters as keystone has them: equality, and `name__contains` and its like. */
function conditionsOf<T extends Table>(entity: Entity<T>, query: Query): Condition[] {
  const conditions: Condition[] = []
  for (const name of Object.keys(query)) {
    const [field = '', comparator] = name.split('__')
    const filter = Object.hasOwn(entity.filters, field) ? entity.filters[field]! : undefined
    if (!filter) continue
    const value = last(query, name)!
    const pattern = value.replaceAll(/[\\%_]/g, '')
    if (filter.kind === 'boolean')
      conditions.push({ column: filter.column, operator: '=', value: isTrue(value) ? 1 : 0 })
    else if (comparator === undefined) conditions.push({ column: filter.column, operator: '=', value })
    else if (/^i?contains$/.test(comparator))
      conditions.push({ column: filter.column, operator: 'like', value: `%${pattern}%` })
    else if (/^i?startswith$/.test(comparator))
      conditions.push({ column: filter.column, operator: 'like', value: `${pattern}%` })
    else if (/^i?endswith$/.test(comparator))
      conditions.push({ column: filter.column, operator: 'like', value: `%${pattern}` })
  }
  return conditions
}

/** A boolean in a query; keystone takes `enabled` without a value for true. */
export const isTrue = (text: string): boolean => !/^(false|0|no|off)$/i.test(text)

/** Attributes that are no columns, as JSON for the `extra` column. */
export function extraOf(attributes: Attributes, known: readonly string[], before = '{}'): string {
  const rest = Object.entries(attributes).filter(([name]) => !known.includes(name) && name !== 'id' && name !== 'links')
  return JSON.stringify({ ...(JSON.parse(before) as object), ...Object.fromEntries(rest) })
}

export const extras = (row: { extra: string }): object => JSON.parse(row.extra) as object
export { newId } from '../store/new-rows.ts'
