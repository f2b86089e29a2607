/** Registered limits: what of a resource every project has that is given no other limit. */
import { Type, type Static } from 'typebox'
import { NotFound } from '../../../../platform/errors.ts'
import type { ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { createRegisteredLimits, deleteRegisteredLimit, updateRegisteredLimit } from '../../operations/limits.ts'
import { policy } from '../../policies.ts'
import { findRow, type Row } from '../../store/rows.ts'
import { withLinks } from '../links.ts'
import { newId } from '../../store/new-rows.ts'
import { answerListing } from '../kit/listing.ts'
import { kinds } from '../schema.ts'
import { registeredAnswer, registeredListing, viewRegistered } from './view.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { linked, listAnswer, oneOf } from '../answers.ts'

const registered = Type.Object(
  {
    service_id: kinds.id,
    region_id: Type.Optional(kinds.nullableText),
    resource_name: Type.String({ minLength: 1, maxLength: 255 }),
    default_limit: kinds.integer,
    description: Type.Optional(kinds.description),
  },
  { additionalProperties: false },
)

const shown = (row: Row<'registered_limits'>, baseUrl: string) =>
  withLinks(baseUrl, 'registered_limits', viewRegistered(row))

const rowOf = (input: Static<typeof registered>) => ({
  id: newId(),
  ...input,
  region_id: input.region_id ?? '',
  description: input.description ?? null,
})

const create = route({
  method: 'POST',
  path: '/registered_limits',
  policy: policy('create_registered_limits'),
  body: Type.Object({ registered_limits: Type.Array(registered, { minItems: 1 }) }),
  answer: { 201: exactly({ registered_limits: Type.Array(linked(registeredAnswer)) }) },
  async handle({ ctx, body, baseUrl }, deps) {
    ctx.authorize(policy('create_registered_limits'))
    const rows = body.registered_limits.map(rowOf)
    await createRegisteredLimits(deps, rows)
    return { status: 201, body: { registered_limits: rows.map((row) => shown(row, baseUrl)) } }
  },
})

const list = route({
  method: 'GET',
  path: '/registered_limits',
  policy: policy('list_registered_limits'),
  answer: listAnswer('registered_limits', linked(registeredAnswer)),
  handle(request, deps) {
    request.ctx.authorize(policy('list_registered_limits'))
    return answerListing(registeredListing, request, deps, [])
  },
})

async function load(
  { ctx, params }: Pick<ApiRequest, 'ctx' | 'params'>,
  { database: { db } }: IdentityDeps,
  rule: string,
): Promise<Row<'registered_limits'>> {
  const id = params.id
  ctx.authorize(policy(rule))
  const row = await findRow(db, 'registered_limits', { id })
  if (!row) throw new NotFound(`Could not find registered limit for ${id}.`)
  return row
}

const show = route({
  method: 'GET',
  path: '/registered_limits/:id',
  policy: policy('get_registered_limit'),
  answer: { 200: oneOf('registered_limit', linked(registeredAnswer)) },
  async handle(request, deps) {
    const row = await load(request, deps, 'get_registered_limit')
    return { status: 200, body: { registered_limit: shown(row, request.baseUrl) } }
  },
})

const update = route({
  method: 'PATCH',
  path: '/registered_limits/:id',
  policy: policy('update_registered_limit'),
  body: Type.Object({ registered_limit: Type.Partial(registered, { additionalProperties: false }) }),
  answer: { 200: oneOf('registered_limit', linked(registeredAnswer)) },
  async handle(request, deps) {
    const row = await load(request, deps, 'update_registered_limit')
    const { region_id, ...rest } = request.body.registered_limit
    const changes = { ...rest, ...(region_id !== undefined && { region_id: region_id ?? '' }) }
    const changed = await updateRegisteredLimit(deps, row, changes)
    return { status: 200, body: { registered_limit: shown(changed, request.baseUrl) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/registered_limits/:id',
  policy: policy('delete_registered_limit'),
  answer: { 204: null },
  async handle(request, deps) {
    await deleteRegisteredLimit(deps, await load(request, deps, 'delete_registered_limit'))
    return { status: 204 }
  },
})

export const registeredLimitRoutes = [create, list, show, update, remove]
