import { Type, type Static, type TSchema } from 'typebox'
import { NotFound } from '../../../platform/http/errors.ts'
import { last, route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import { bodies } from '../../../platform/http/schema.ts'
import type { PlacementDeps } from '../deps.ts'
import { BadValue } from '../errors.ts'
import { replaceAllocations, type ConsumerAllocations } from '../operations/allocate.ts'
import { findCandidates } from '../operations/candidates.ts'
import { requireClasses } from '../operations/classes.ts'
import { policy } from '../policies.ts'
import { listUsage } from '../store/providers.ts'
import { cacheHeaders, load } from './providers.ts'
import { parseMemberOf, parseRequired, parseResources, requireKnown } from './query.ts'

const closed = { additionalProperties: false }
const uuidPattern = '^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$'
const resources = Type.Record(Type.String({ pattern: '^[0-9A-Z_]+$' }), Type.Integer({ minimum: 1 }), {
  minProperties: 1,
})
const who = {
  project_id: Type.String({ minLength: 1, maxLength: 255 }),
  user_id: Type.String({ minLength: 1, maxLength: 255 }),
}
const optionalWho = { project_id: Type.Optional(who.project_id), user_id: Type.Optional(who.user_id) }
const asList = Type.Array(
  Type.Object(
    { resource_provider: Type.Object({ uuid: Type.String({ pattern: uuidPattern }) }, closed), resources },
    closed,
  ),
  { minItems: 1 },
)
const asMap = (min: number) =>
  Type.Record(
    Type.String({ pattern: uuidPattern }),
    Type.Object({ resources, generation: Type.Optional(Type.Integer()) }, closed),
    { minProperties: min },
  )
const consumerGeneration = Type.Union([Type.Null(), Type.Integer()])
const mappings = Type.Optional(Type.Record(Type.String(), Type.Array(Type.String({ pattern: uuidPattern }))))
const consumerType = Type.String({ pattern: '^[A-Z0-9_]+$', minLength: 1, maxLength: 255 })

const widest = Type.Object({
  allocations: Type.Union([asList, asMap(0)]),
  ...optionalWho,
  consumer_generation: Type.Optional(consumerGeneration),
  consumer_type: Type.Optional(consumerType),
  mappings,
})
const put = bodies(widest, [
  ['initial', Type.Object({ allocations: asList, ...optionalWho }, closed)],
  ['project-user-required', Type.Object({ allocations: asList, ...who }, closed)],
  ['allocations-by-provider', Type.Object({ allocations: asMap(1), ...who }, closed)],
  [
    'consumer-generation',
    Type.Object({ allocations: asMap(0), ...who, consumer_generation: consumerGeneration }, closed),
  ],
  [
    'mappings',
    Type.Object({ allocations: asMap(0), ...who, consumer_generation: consumerGeneration, mappings }, closed),
  ],
  [
    'consumer-types',
    Type.Object(
      { allocations: asMap(0), ...who, consumer_generation: consumerGeneration, mappings, consumer_type: consumerType },
      closed,
    ),
  ],
])
const many = (body: TSchema) => Type.Record(Type.String({ pattern: uuidPattern }), body, { minProperties: 1 })
const post = bodies(Type.Record(Type.String(), widest), [
  ['post-allocations', many(Type.Object({ allocations: asMap(0), ...who }, closed))],
  [
    'consumer-generation',
    many(Type.Object({ allocations: asMap(0), ...who, consumer_generation: consumerGeneration }, closed)),
  ],
  [
    'mappings',
    many(Type.Object({ allocations: asMap(0), ...who, consumer_generation: consumerGeneration, mappings }, closed)),
  ],
  [
    'consumer-types',
    many(
      Type.Object(
        {
          allocations: asMap(0),
          ...who,
          consumer_generation: consumerGeneration,
          mappings,
          consumer_type: consumerType,
        },
        closed,
      ),
    ),
  ],
])

/** The newest form of what the body says. */
function toRequest(consumer: string, body: Static<typeof widest>): ConsumerAllocations {
  const pairs = Array.isArray(body.allocations)
    ? body.allocations.map((each) => [each.resource_provider.uuid.toLowerCase(), each.resources] as const)
    : Object.entries(body.allocations).map(([uuid, each]) => [uuid.toLowerCase(), each.resources] as const)
  return {
    consumer: consumer.toLowerCase(),
    projectId: body.project_id ?? '00000000-0000-0000-0000-000000000000',
    userId: body.user_id ?? '00000000-0000-0000-0000-000000000000',
    type: body.consumer_type ?? 'unknown',
    generation: body.consumer_generation,
    resources: Object.fromEntries(pairs),
  }
}

const classesOf = (requests: readonly ConsumerAllocations[]) => [
  ...new Set(requests.flatMap((request) => Object.values(request.resources).flatMap((each) => Object.keys(each)))),
]

const show = route({
  method: 'GET',
  path: '/allocations/:consumer',
  policy: policy('allocations:list'),
  async handle({ ctx, params, version }: ApiRequest<never>, { database: { db } }: PlacementDeps) {
    ctx.authorize(policy('allocations:list'))
    const id = (params['consumer'] ?? '').toLowerCase()
    const rows = await db
      .selectFrom('allocations')
      .innerJoin('providers', 'providers.uuid', 'allocations.provider_uuid')
      .select(['provider_uuid', 'resource_class', 'used', 'generation'])
      .where('consumer_uuid', '=', id)
      .execute()
    const allocations: Record<string, { resources: Record<string, number>; generation: number }> = {}
    for (const row of rows)
      (allocations[row.provider_uuid] ??= { resources: {}, generation: Number(row.generation) }).resources[
        row.resource_class
      ] = Number(row.used)
    const consumer =
      rows.length === 0
        ? undefined
        : await db.selectFrom('consumers').selectAll().where('uuid', '=', id).executeTakeFirst()
    const about = consumer && {
      ...(version.has('allocations-by-provider') && { project_id: consumer.project_id, user_id: consumer.user_id }),
      ...(version.has('consumer-generation') && { consumer_generation: Number(consumer.generation) }),
      ...(version.has('consumer-types') && { consumer_type: consumer.type }),
    }
    return { status: 200, headers: cacheHeaders(version), body: { allocations, ...about } }
  },
})

const replace = route({
  method: 'PUT',
  path: '/allocations/:consumer',
  policy: policy('allocations:update'),
  body: put,
  async handle({ ctx, params, body }, deps: PlacementDeps) {
    ctx.authorize(policy('allocations:update'))
    const consumer = params['consumer'] ?? ''
    if (!new RegExp(uuidPattern).test(consumer)) throw new BadValue(`Malformed consumer uuid ${consumer}`)
    const request = toRequest(consumer, body)
    await requireClasses(deps.database.db, classesOf([request]))
    await replaceAllocations(deps.database, [request])
    return { status: 204 }
  },
})

const manage = route({
  method: 'POST',
  path: '/allocations',
  since: 'post-allocations',
  policy: policy('allocations:manage'),
  body: post,
  async handle({ ctx, body }, deps: PlacementDeps) {
    ctx.authorize(policy('allocations:manage'))
    const requests = Object.entries(body).map(([consumer, each]) => toRequest(consumer, each))
    await requireClasses(deps.database.db, classesOf(requests))
    await replaceAllocations(deps.database, requests)
    return { status: 204 }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/allocations/:consumer',
  policy: policy('allocations:delete'),
  async handle({ ctx, params }: ApiRequest<never>, deps: PlacementDeps) {
    ctx.authorize(policy('allocations:delete'))
    const consumer = (params['consumer'] ?? '').toLowerCase()
    const { db } = deps.database
    if (!(await db.selectFrom('allocations').select('used').where('consumer_uuid', '=', consumer).executeTakeFirst())) {
      throw new NotFound(`No allocations for consumer '${consumer}'`)
    }
    await replaceAllocations(deps.database, [
      { consumer, projectId: '', userId: '', type: '', generation: undefined, resources: {} },
    ])
    return { status: 204 }
  },
})

const listOfProvider = route({
  method: 'GET',
  path: '/resource_providers/:uuid/allocations',
  policy: policy('resource_providers:allocations:list'),
  async handle(request: ApiRequest<never>, deps: PlacementDeps) {
    request.ctx.authorize(policy('resource_providers:allocations:list'))
    const provider = await load(request, deps)
    const rows = await deps.database.db
      .selectFrom('allocations')
      .innerJoin('consumers', 'consumers.uuid', 'allocations.consumer_uuid')
      .select(['consumer_uuid', 'resource_class', 'used', 'generation'])
      .where('provider_uuid', '=', provider.uuid)
      .execute()
    const allocations: Record<string, { resources: Record<string, number>; consumer_generation?: number }> = {}
    for (const row of rows) {
      const entry = (allocations[row.consumer_uuid] ??= {
        resources: {},
        ...(request.version.has('consumer-generation') && { consumer_generation: Number(row.generation) }),
      })
      entry.resources[row.resource_class] = Number(row.used)
    }
    return {
      status: 200,
      headers: cacheHeaders(request.version),
      body: { resource_provider_generation: Number(provider.generation), allocations },
    }
  },
})

const usagesOfProvider = route({
  method: 'GET',
  path: '/resource_providers/:uuid/usages',
  policy: policy('resource_providers:usages'),
  async handle(request: ApiRequest<never>, deps: PlacementDeps) {
    request.ctx.authorize(policy('resource_providers:usages'))
    const provider = await load(request, deps)
    const { db } = deps.database
    const classes = await db
      .selectFrom('inventories')
      .select('resource_class')
      .where('provider_uuid', '=', provider.uuid)
      .execute()
    const usages = Object.fromEntries(classes.map((row) => [row.resource_class, 0]))
    for (const row of await listUsage(db, [provider.uuid])) usages[row.resource_class] = row.used
    return {
      status: 200,
      headers: cacheHeaders(request.version),
      body: { resource_provider_generation: Number(provider.generation), usages },
    }
  },
})

const usages = route({
  method: 'GET',
  path: '/usages',
  since: 'usages',
  policy: policy('usages'),
  async handle({ ctx, query, version }: ApiRequest<never>, { database: { db } }: PlacementDeps) {
    const projectId = last(query, 'project_id')
    if (projectId === undefined)
      throw new BadValue("Invalid query string parameters: 'project_id' is a required property")
    ctx.authorize(policy('usages'), { project_id: projectId })
    const userId = last(query, 'user_id')
    let select = db
      .selectFrom('allocations')
      .innerJoin('consumers', 'consumers.uuid', 'allocations.consumer_uuid')
      .select(({ fn }) => [
        'resource_class',
        'consumers.type',
        fn.sum<number>('used').as('used'),
        fn.count<number>('consumers.uuid').distinct().as('consumers'),
      ])
      .where('project_id', '=', projectId)
      .groupBy(['resource_class', 'consumers.type'])
    if (userId !== undefined) select = select.where('user_id', '=', userId)
    const rows = await select.execute()
    const body: Record<string, unknown> = {}
    for (const row of rows) {
      if (!version.has('consumer-types'))
        body[row.resource_class] = Number(body[row.resource_class] ?? 0) + Number(row.used)
      else
        body[row.type] = {
          ...(body[row.type] as object | undefined),
          [row.resource_class]: Number(row.used),
          consumer_count: Number(row.consumers),
        }
    }
    return { status: 200, headers: cacheHeaders(version), body: { usages: body } }
  },
})

const candidates = route({
  method: 'GET',
  path: '/allocation_candidates',
  since: 'candidates',
  policy: policy('allocation_candidates:list'),
  async handle({ ctx, query, version }: ApiRequest<never>, { database: { db } }: PlacementDeps) {
    ctx.authorize(policy('allocation_candidates:list'))
    requireKnown(query, ['resources', 'required', 'member_of', 'in_tree', 'limit', 'group_policy'])
    const asked = last(query, 'resources')
    if (asked === undefined) throw new BadValue("Invalid query string parameters: 'resources' is a required property")
    const limit = last(query, 'limit')
    if (limit !== undefined && !/^[1-9]\d*$/.test(limit))
      throw new BadValue(`Invalid query string parameters: '${limit}' does not match '^[1-9][0-9]*$'`)
    const wanted = parseResources(asked)
    await requireClasses(db, Object.keys(wanted))
    const found = await findCandidates(db, {
      resources: wanted,
      ...parseRequired(query['required'] ?? [], version),
      ...parseMemberOf(query['member_of'] ?? []),
      inTree: last(query, 'in_tree'),
      limit: limit === undefined ? undefined : Number(limit),
    })
    const requests = found.requests.map((request) => ({
      allocations: version.has('allocations-by-provider')
        ? Object.fromEntries(Object.entries(request).map(([uuid, each]) => [uuid, { resources: each }]))
        : Object.entries(request).map(([uuid, each]) => ({ resource_provider: { uuid }, resources: each })),
      ...(version.has('mappings') && { mappings: { '': Object.keys(request) } }),
    }))
    const summaries = [...found.summaries].map(([uuid, each]) => [
      uuid,
      {
        // Before 1.27 only the classes that were asked for are told.
        resources: version.has('keep-generation')
          ? each.resources
          : Object.fromEntries(Object.entries(each.resources).filter(([name]) => name in wanted)),
        ...(version.has('candidates-required') && { traits: each.traits }),
        ...(version.has('nested-candidates') && {
          root_provider_uuid: each.rootId,
          parent_provider_uuid: each.parentId,
        }),
      },
    ])
    return {
      status: 200,
      headers: cacheHeaders(version),
      body: { allocation_requests: requests, provider_summaries: Object.fromEntries(summaries) as object },
    }
  },
})

export const allocationRoutes = [
  show,
  replace,
  manage,
  remove,
  listOfProvider,
  usagesOfProvider,
  usages,
  candidates,
] as Route<PlacementDeps>[]
