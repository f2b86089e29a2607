import { Invalid } from '../../../../platform/errors.ts'
import { ConcurrentUpdate } from '../../errors.ts'
import { compareTraits } from '../../model/standard-traits.ts'
import { unknownTraits } from '../../operations/known-names.ts'
import { replaceTraits } from '../../operations/memberships.ts'
import { getProvider } from '../../operations/providers.ts'
import { traitsOf } from '../../store/traits.ts'
import { endpoint } from '../endpoint.ts'
import { cacheHeaders } from '../headers.ts'
import { ofProviderAnswer, replaceBody } from './schema.ts'

const path = '/resource_providers/:uuid/traits'
const since = 'traits'

const list = endpoint({
  method: 'GET',
  path,
  since,
  policy: 'resource_providers:traits:list',
  answer: { 200: ofProviderAnswer },
  async handle({ params, version }, { database: { db } }) {
    const provider = await getProvider(db, params.uuid)
    const traits = await traitsOf(db, provider.uuid)
    const headers = cacheHeaders(version, provider.updated_at)
    return { status: 200, headers, body: { traits, resource_provider_generation: provider.generation } }
  },
})

const replace = endpoint({
  method: 'PUT',
  path,
  since,
  policy: 'resource_providers:traits:update',
  body: replaceBody,
  answer: { 200: ofProviderAnswer },
  async handle({ params, body, version }, deps) {
    const provider = await getProvider(deps.database.db, params.uuid)
    if (provider.generation !== body.resource_provider_generation) {
      throw new ConcurrentUpdate(
        "Resource provider's generation already changed. Please update the generation and try again.",
      )
    }
    const missing = await unknownTraits(deps.database.db, body.traits)
    if (missing.length > 0) throw new Invalid(`No such trait ${missing.join(', ')}`)
    const generation = await replaceTraits(deps, provider, body.traits)
    const traits = [...new Set(body.traits)].sort(compareTraits)
    return { status: 200, headers: cacheHeaders(version), body: { traits, resource_provider_generation: generation } }
  },
})

const remove = endpoint({
  method: 'DELETE',
  path,
  since,
  policy: 'resource_providers:traits:delete',
  answer: { 204: null },
  async handle({ params }, deps) {
    await replaceTraits(deps, await getProvider(deps.database.db, params.uuid), [])
    return { status: 204 }
  },
})

export const providerTraitRoutes = [list, replace, remove]
