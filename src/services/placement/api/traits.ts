import { Type } from 'typebox'
import { BadRequest, Conflict, NotFound } from '../../../platform/http/errors.ts'
import { last, route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import type { PlacementDeps } from '../deps.ts'
import { ConcurrentUpdate } from '../errors.ts'
import { standardTraits } from '../model/standard-traits.ts'
import { isStandardTrait, requireTraits } from '../operations/classes.ts'
import { policy } from '../policies.ts'
import { raiseGeneration, traitsOf } from '../store/providers.ts'
import { cacheHeaders, load } from './providers.ts'

const since = 'traits'
const customName = /^CUSTOM_[A-Z0-9_]+$/

const customTraits = async ({ database: { db } }: PlacementDeps) =>
  (await db.selectFrom('custom_traits').select('name').execute()).map((row) => row.name)

const list = route({
  method: 'GET',
  path: '/traits',
  since,
  policy: policy('traits:list'),
  async handle({ ctx, query, version }: ApiRequest<never>, deps: PlacementDeps) {
    ctx.authorize(policy('traits:list'))
    let names = [...standardTraits, ...(await customTraits(deps))].sort()
    const filter = last(query, 'name')
    if (filter?.startsWith('startswith:')) names = names.filter((name) => name.startsWith(filter.slice(11)))
    else if (filter?.startsWith('in:')) names = names.filter((name) => filter.slice(3).split(',').includes(name))
    else if (filter !== undefined)
      throw new BadRequest(
        `Badly formatted name parameter. Expected name query string parameter in form: ?name=[in|startswith]:[name1,name2|prefix]. Got: "${filter}"`,
      )
    const associated = last(query, 'associated')
    if (associated !== undefined) {
      const rows = await deps.database.db.selectFrom('provider_traits').select('trait').distinct().execute()
      const used = new Set(rows.map((row) => row.trait))
      names = names.filter((name) => used.has(name) === /^true$/i.test(associated))
    }
    return { status: 200, headers: cacheHeaders(version), body: { traits: names } }
  },
})

const exists = async (deps: PlacementDeps, name: string) =>
  isStandardTrait(name) || (await customTraits(deps)).includes(name)

const show = route({
  method: 'GET',
  path: '/traits/:name',
  since,
  policy: policy('traits:show'),
  async handle({ ctx, params, version }: ApiRequest<never>, deps: PlacementDeps) {
    ctx.authorize(policy('traits:show'))
    if (!(await exists(deps, params['name'] ?? ''))) throw new NotFound(`No such trait(s): ${params['name']}.`)
    return { status: 204, headers: cacheHeaders(version) }
  },
})

const create = route({
  method: 'PUT',
  path: '/traits/:name',
  since,
  policy: policy('traits:update'),
  async handle({ ctx, params, version, baseUrl }: ApiRequest<never>, deps: PlacementDeps) {
    ctx.authorize(policy('traits:update'))
    const name = params['name'] ?? ''
    if (!customName.test(name) || name.length > 255) {
      throw new BadRequest(
        `The trait is invalid. A valid trait must be no longer than 255 characters, start with the prefix "CUSTOM_" and use following characters: "A"-"Z", "0"-"9" and "_"`,
      )
    }
    const isNew = !(await exists(deps, name))
    await upsert(deps.database.db, deps.database.engine, 'custom_traits', ['name'], { name })
    return { status: isNew ? 201 : 204, headers: { Location: `${baseUrl}/traits/${name}`, ...cacheHeaders(version) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/traits/:name',
  since,
  policy: policy('traits:delete'),
  async handle({ ctx, params }: ApiRequest<never>, { database: { db } }: PlacementDeps) {
    ctx.authorize(policy('traits:delete'))
    const name = params['name'] ?? ''
    if (isStandardTrait(name)) throw new BadRequest(`Cannot delete standard trait ${name}.`)
    if (await db.selectFrom('provider_traits').select('trait').where('trait', '=', name).executeTakeFirst()) {
      throw new Conflict(`The trait ${name} is in use by a resource provider.`)
    }
    const done = await db.deleteFrom('custom_traits').where('name', '=', name).executeTakeFirst()
    if (done.numDeletedRows === 0n) throw new NotFound(`No such trait(s): ${name}.`)
    return { status: 204 }
  },
})

const ofProvider = '/resource_providers/:uuid/traits'

const listOfProvider = route({
  method: 'GET',
  path: ofProvider,
  since,
  policy: policy('resource_providers:traits:list'),
  async handle(request: ApiRequest<never>, deps: PlacementDeps) {
    request.ctx.authorize(policy('resource_providers:traits:list'))
    const provider = await load(request, deps)
    const traits = await traitsOf(deps.database.db, provider.uuid)
    return {
      status: 200,
      headers: cacheHeaders(request.version),
      body: { traits, resource_provider_generation: Number(provider.generation) },
    }
  },
})

const setOfProvider = route({
  method: 'PUT',
  path: ofProvider,
  since,
  policy: policy('resource_providers:traits:update'),
  body: Type.Object(
    {
      traits: Type.Array(Type.String({ pattern: '^[A-Z0-9_]+$', maxLength: 255 }), { uniqueItems: true }),
      resource_provider_generation: Type.Integer(),
    },
    { additionalProperties: false },
  ),
  async handle({ ctx, params, body, version }, deps: PlacementDeps) {
    ctx.authorize(policy('resource_providers:traits:update'))
    const provider = await load({ params }, deps)
    const given = body.resource_provider_generation
    await requireTraits(deps.database.db, body.traits)
    await deps.database.transaction(async (tx) => {
      if (!(await raiseGeneration(tx, provider.uuid, given))) {
        throw new ConcurrentUpdate(
          "Resource provider's generation already changed. Please update the generation and try again.",
        )
      }
      await tx.deleteFrom('provider_traits').where('provider_uuid', '=', provider.uuid).execute()
      const rows = body.traits.map((trait) => ({ provider_uuid: provider.uuid, trait }))
      if (rows.length > 0) await tx.insertInto('provider_traits').values(rows).execute()
    })
    return {
      status: 200,
      headers: cacheHeaders(version),
      body: { traits: body.traits.toSorted(), resource_provider_generation: given + 1 },
    }
  },
})

const clearOfProvider = route({
  method: 'DELETE',
  path: ofProvider,
  since,
  policy: policy('resource_providers:traits:delete'),
  async handle(request: ApiRequest<never>, deps: PlacementDeps) {
    request.ctx.authorize(policy('resource_providers:traits:delete'))
    const provider = await load(request, deps)
    await deps.database.transaction(async (tx) => {
      if (!(await raiseGeneration(tx, provider.uuid, Number(provider.generation))))
        throw new ConcurrentUpdate('Please refresh and retry.')
      await tx.deleteFrom('provider_traits').where('provider_uuid', '=', provider.uuid).execute()
    })
    return { status: 204 }
  },
})

export const traitRoutes = [
  list,
  show,
  create,
  remove,
  listOfProvider,
  setOfProvider,
  clearOfProvider,
] as Route<PlacementDeps>[]
