import { randomUUID } from 'node:crypto'
import { Invalid, NotFound } from '../../../../platform/errors.ts'
import {
  BadQuery,
  ClassNotFound,
  ProviderActionError,
  ProviderNotFound,
  mapErrors,
  TraitsNotFound,
} from '../../errors.ts'
import { normalizeUuid } from '../../model/uuid.ts'
import { requireClasses, requireTraits } from '../../operations/known-names.ts'
import { changeProvider, createProvider, getProvider, removeProvider } from '../../operations/providers.ts'
import { endpoint } from '../endpoint.ts'
import { cacheHeaders, latest } from '../headers.ts'
import { filterProviders, parseFilter } from './filter.ts'
import { createBody, listAnswer, listQuery, providerAnswer, updateBody } from './schema.ts'
import { providerView, toShown } from './view.ts'

const list = endpoint({
  method: 'GET',
  path: '/resource_providers',
  policy: 'resource_providers:list',
  query: listQuery,
  answer: { 200: listAnswer },
  async handle({ query, version }, { database: { db }, cache }) {
    const filter = parseFilter(query, version)
    const told = [
      [ClassNotFound, (why: string) => new BadQuery(`Invalid resource class in resources parameter: ${why}`)],
      [TraitsNotFound, (why: string) => new BadQuery(`Invalid trait(s) in "required" parameter: ${why}`)],
    ] as const
    await mapErrors(told, async () => {
      await requireTraits(db, [...filter.required.flat(), ...filter.forbidden])
      await requireClasses(db, Object.keys(filter.resources))
    })
    const providers = filterProviders(await cache.read(), filter)
    const headers = cacheHeaders(version, latest(providers.map((each) => each.updatedAt)))
    return { status: 200, headers, body: { resource_providers: providers.map(providerView(version)) } }
  },
})

const create = endpoint({
  method: 'POST',
  path: '/resource_providers',
  policy: 'resource_providers:create',
  body: createBody,
  answer: { 200: providerAnswer, 201: null },
  async handle({ body, version, baseUrl }, deps) {
    const uuid = body.uuid ? normalizeUuid(body.uuid) : randomUUID()
    const { name, parent_provider_uuid: parent = null } = body
    const provider = await mapErrors(
      [[ProviderActionError, (why) => new Invalid(`Unable to create resource provider "${name}", ${uuid}: ${why}`)]],
      () => createProvider(deps, { uuid, name, parent }),
    )
    const headers = { Location: `${baseUrl}/resource_providers/${uuid}` }
    if (!version.has('post-provider-body')) return { status: 201, headers }
    return {
      status: 200,
      headers: { ...headers, ...cacheHeaders(version, provider.updated_at) },
      body: providerView(version)(toShown(provider)),
    }
  },
})

const show = endpoint({
  method: 'GET',
  path: '/resource_providers/:uuid',
  policy: 'resource_providers:show',
  answer: { 200: providerAnswer },
  async handle({ params, version }, { database: { db } }) {
    const provider = await getProvider(db, params.uuid)
    const headers = cacheHeaders(version, provider.updated_at)
    return { status: 200, headers, body: providerView(version)(toShown(provider)) }
  },
})

const update = endpoint({
  method: 'PUT',
  path: '/resource_providers/:uuid',
  policy: 'resource_providers:update',
  body: updateBody,
  answer: { 200: providerAnswer },
  needsProvider: true,
  async handle({ params, body, version }, deps) {
    const uuid = params.uuid
    const change = { name: body.name, parent: body.parent_provider_uuid, mayMove: version.has('reparent') }
    const provider = await mapErrors(
      [[ProviderActionError, (why) => new Invalid(`Unable to save resource provider ${uuid}: ${why}`)]],
      () => changeProvider(deps, uuid, change),
    )
    const headers = cacheHeaders(version, provider.updated_at)
    return { status: 200, headers, body: providerView(version)(toShown(provider)) }
  },
})

const remove = endpoint({
  method: 'DELETE',
  path: '/resource_providers/:uuid',
  policy: 'resource_providers:delete',
  answer: { 204: null },
  async handle({ params }, deps) {
    const uuid = params.uuid
    await mapErrors([[ProviderNotFound, (why) => new NotFound(`${why} for delete`)]], () => removeProvider(deps, uuid))
    return { status: 204 }
  },
})

export const providerRoutes = [list, create, show, update, remove]
