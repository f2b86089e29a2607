import { Type } from 'typebox'
import { Conflict } from '../../../../platform/errors.ts'
import { since } from '../../../../platform/http/answers.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import { codes, ConcurrentUpdate, mapErrors } from '../../errors.ts'
import { replaceAggregates } from '../../operations/memberships.ts'
import { getProvider } from '../../operations/providers.ts'
import { aggregatesOf } from '../../store/providers.ts'
import { endpoint } from '../endpoint.ts'
import { cacheHeaders } from '../headers.ts'
import { closed, generation, uuid } from '../schema.ts'

const path = '/resource_providers/:uuid/aggregates'
const uuids = Type.Array(uuid, { uniqueItems: true })
const withGeneration = Type.Object({ aggregates: uuids, resource_provider_generation: generation }, closed)

const replaceBody = bodies(Type.Union([uuids, withGeneration]), [
  ['aggregates', uuids],
  ['aggregate-generation', withGeneration],
])
const answer = {
  200: Type.Object(
    { aggregates: uuids, resource_provider_generation: since('aggregate-generation', generation) },
    closed,
  ),
}

const list = endpoint({
  method: 'GET',
  path,
  since: 'aggregates',
  policy: 'resource_providers:aggregates:list',
  answer,
  async handle({ params, version }, { database: { db } }) {
    const provider = await getProvider(db, params.uuid)
    const aggregates = await aggregatesOf(db, provider.uuid)
    const shown = version.has('aggregate-generation') && { resource_provider_generation: provider.generation }
    return { status: 200, headers: cacheHeaders(version), body: { aggregates, ...shown } }
  },
})

const replace = endpoint({
  method: 'PUT',
  path,
  since: 'aggregates',
  policy: 'resource_providers:aggregates:update',
  body: replaceBody,
  answer,
  needsProvider: true,
  async handle({ params, body, version }, deps) {
    const provider = await getProvider(deps.database.db, params.uuid)
    const hasGeneration = !Array.isArray(body)
    if (hasGeneration && provider.generation !== body.resource_provider_generation) {
      throw new ConcurrentUpdate(
        "Resource provider's generation already changed. Please update the generation and try again.",
      )
    }
    const aggregates = hasGeneration ? body.aggregates : body
    const raced = (why: string) => new Conflict(`Update conflict: ${why}`, { code: codes.concurrentUpdate })
    const after = await mapErrors([[ConcurrentUpdate, raced]], () =>
      replaceAggregates(deps, provider, aggregates, hasGeneration),
    )
    const shown = hasGeneration && { resource_provider_generation: after }
    return { status: 200, headers: cacheHeaders(version), body: { aggregates, ...shown } }
  },
})

export const aggregateRoutes = [list, replace]
