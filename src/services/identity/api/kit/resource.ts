/**
 * Keystone's dialect of the resource kit: rules see the row, who passes them is told that there is none; entities have
 * links and keep what they do not know; an update is permitted before its body is looked at. What is done begins its
 * transactions itself, behind hashing and directories.
 */
import { Type } from 'typebox'
import { resourceKit, type Dialect, type Input, type Params, type Verb } from '../../../../platform/api/resource.ts'
import type { Rule } from '../../../../platform/auth/policy.ts'
import type { Answers } from '../../../../platform/http/answers.ts'
import { Invalid } from '../../../../platform/errors.ts'
import type { UnreadRequest } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { policy } from '../../policies.ts'
import type { IdentityDb } from '../../store/rows.ts'
import { listAnswer, oneOf, withFields } from '../answers.ts'
import { pageAnswer } from '../paging.ts'
import type { Entity, RuleFacts } from './entity.ts'
import { listTarget } from './listing.ts'

type Any = Entity<object>

const ruleOf = ({ rules, ruleFor }: Any, verb: Verb, facts: RuleFacts<object>): Rule =>
  policy(ruleFor?.(verb, facts) ?? rules[verb][0]!)

const longestId = 64

/** The name of something that the caller names. */
function requireShort({ id = '' }: Params) {
  if (id.length > longestId) throw new Invalid(`Invalid input for field 'id': '${id}' is too long`)
}

/** The row of the address. Who may not see it is not told whether it exists. */
async function permit(
  entity: Any,
  verb: Verb,
  { ctx, params }: Pick<UnreadRequest<Params>, 'ctx' | 'params'>,
  db: IdentityDb,
  deps: IdentityDeps,
): Promise<object> {
  await entity.refresh?.(deps, params['id'] ?? '')
  const row = await entity.find(db, params, deps)
  if (!row && entity.existsFirst?.includes(verb)) throw entity.notFound(params)
  ctx.authorize(ruleOf(entity, verb, row ? { row } : {}), row ? entity.target(row) : {})
  if (!row) throw entity.notFound(params)
  return row
}

/** Entities as they are shown, with their addresses. */
async function viewsOf(entity: Any, rows: readonly object[], deps: IdentityDeps, baseUrl: string) {
  const views = await entity.views(deps.database.db, rows, deps)
  return views.map((view, index) => ({ ...(view as { id: string }), links: entity.links(rows[index]!, baseUrl) }))
}

/** A schema that refuses what it does not know. */
const isClosed = (schema: object) => (schema as { additionalProperties?: unknown }).additionalProperties === false

const dialect: Dialect<IdentityDeps, IdentityDb, object, Any, Params> = {
  updateMethod: 'PATCH',
  isPermittedFirst: true,
  rules: ({ rules }, verb) => rules[verb].map(policy),
  answers(entity, verb): Answers {
    const { singular, plural, answer, linksAnswer, expansion = {} } = entity
    const shown = withFields(answer, { links: linksAnswer })
    if (verb === 'list') return listAnswer(plural, shown)
    if (verb === 'show') return { 200: oneOf(singular, withFields(shown, expansion)) }
    if (verb === 'create') return { 201: oneOf(singular, shown) }
    return verb === 'update' ? { 200: oneOf(singular, shown) } : { 204: null }
  },
  bodySchema: ({ singular, isNamedByCaller }, _verb, schema) =>
    Type.Object({ [singular]: schema }, isNamedByCaller && isClosed(schema) ? { additionalProperties: false } : {}),
  inputs({ singular, isNamedByCaller }, verb, _schema, { body, params }) {
    const input = (body as Record<string, Input>)[singular] ?? {}
    if (verb === 'create' && isNamedByCaller) requireShort(params)
    if (verb === 'update' && input['id'] != null && input['id'] !== params['id']) throw new Invalid('Cannot change ID')
    return [input]
  },
  reader: ({ database }) => database.db,
  async change(deps, work) {
    const done = await work(deps.database.db)
    deps.changed()
    return done
  },
  async list(entity, request, deps) {
    const { ctx, query, baseUrl } = request
    ctx.authorize(ruleOf(entity, 'list', { query }), listTarget(ctx))
    const { rows, cut } = await entity.select(request, deps)
    return pageAnswer(entity.plural, await viewsOf(entity, rows, deps, baseUrl), request, cut)
  },
  permit,
  async permitNew(entity, creation, { ctx, params }, db, deps, input) {
    const target = (await creation.target?.(db, input, params, ctx, deps)) ?? {}
    ctx.authorize(ruleOf(entity, 'create', { input }), target)
    return params
  },
  async body(entity, verb, request, deps, [row]) {
    const [view] = await viewsOf(entity, [row!], deps, request.baseUrl)
    const more = verb === 'show' ? await entity.expand?.(row!, deps, request) : undefined
    return { [entity.singular]: { ...view, ...more } }
  },
}

export const { readRoutes, createRoute, updateRoute, removeRoute } = resourceKit(dialect)
