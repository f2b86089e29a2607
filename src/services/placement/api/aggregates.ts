import { Type } from 'typebox'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import { bodies } from '../../../platform/http/schema.ts'
import type { PlacementDeps } from '../deps.ts'
import { ConcurrentUpdate } from '../errors.ts'
import { policy } from '../policies.ts'
import { aggregatesOf, raiseGeneration } from '../store/providers.ts'
import { cacheHeaders, load } from './providers.ts'

const path = '/resource_providers/:uuid/aggregates'
const uuids = Type.Array(Type.String({ pattern: '^[0-9a-fA-F-]{36}$' }), { uniqueItems: true })
const withGeneration = Type.Object(
  { aggregates: uuids, resource_provider_generation: Type.Integer() },
  { additionalProperties: false },
)
const either = Type.Union([uuids, withGeneration])

const list = route({
  method: 'GET',
  path,
  since: 'aggregates',
  policy: policy('resource_providers:aggregates:list'),
  async handle(request: ApiRequest<never>, deps: PlacementDeps) {
    request.ctx.authorize(policy('resource_providers:aggregates:list'))
    const provider = await load(request, deps)
    const aggregates = await aggregatesOf(deps.database.db, provider.uuid)
    const generation = request.version.has('aggregate-generation') && {
      resource_provider_generation: Number(provider.generation),
    }
    return { status: 200, headers: cacheHeaders(request.version), body: { aggregates, ...generation } }
  },
})

const replace = route({
  method: 'PUT',
  path,
  since: 'aggregates',
  policy: policy('resource_providers:aggregates:update'),
  body: bodies(either, [
    ['aggregates', uuids],
    ['aggregate-generation', withGeneration],
  ]),
  async handle({ ctx, params, body, version }, deps: PlacementDeps) {
    ctx.authorize(policy('resource_providers:aggregates:update'))
    const provider = await load({ params }, deps)
    const aggregates = Array.isArray(body) ? body : body.aggregates
    const given = Array.isArray(body) ? undefined : body.resource_provider_generation
    await deps.database.transaction(async (tx) => {
      if (given !== undefined && !(await raiseGeneration(tx, provider.uuid, given))) {
        throw new ConcurrentUpdate(
          "Resource provider's generation already changed. Please update the generation and try again.",
        )
      }
      await tx.deleteFrom('provider_aggregates').where('provider_uuid', '=', provider.uuid).execute()
      const rows = aggregates.map((aggregate) => ({
        provider_uuid: provider.uuid,
        aggregate_uuid: aggregate.toLowerCase(),
      }))
      if (rows.length > 0) await tx.insertInto('provider_aggregates').values(rows).execute()
    })
    const generation = given !== undefined && { resource_provider_generation: given + 1 }
    return { status: 200, headers: cacheHeaders(version), body: { aggregates: aggregates.toSorted(), ...generation } }
  },
})

export const aggregateRoutes = [list, replace] as Route<PlacementDeps>[]
