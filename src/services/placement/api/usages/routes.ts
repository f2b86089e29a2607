import { Type, type TSchema } from 'typebox'
import { last } from '../../../../platform/http/route.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import { getProvider } from '../../operations/providers.ts'
import { countConsumers, listUsage, sumUsage, type ProjectUsage } from '../../store/allocations.ts'
import { listInventories } from '../../store/inventories.ts'
import { endpoint } from '../endpoint.ts'
import { cacheHeaders } from '../headers.ts'
import { amounts, closed, generation } from '../schema.ts'

const id = Type.String({ minLength: 1, maxLength: 255 })
const ofProject = { project_id: id, user_id: Type.Optional(id) }
const byType = Type.Object(
  {
    ...ofProject,
    consumer_type: Type.Optional(Type.String({ pattern: '^[A-Z0-9_]+$|^all|^unknown$', minLength: 1, maxLength: 255 })),
  },
  closed,
)

const ofProviderAnswer = Type.Object({ resource_provider_generation: generation, usages: amounts }, closed)
const usagesOf = (usages: TSchema) => Type.Object({ usages }, closed)
const ofProjectsAnswer = bodies(Type.Object({ usages: Type.Union([amounts, Type.Record(Type.String(), amounts)]) }), [
  ['usages', usagesOf(amounts)],
  ['consumer-types', usagesOf(Type.Record(Type.String(), amounts))],
])

const ofProvider = endpoint({
  method: 'GET',
  path: '/resource_providers/:uuid/usages',
  policy: 'resource_providers:usages',
  answer: { 200: ofProviderAnswer },
  async handle({ params, version }, { database: { db } }) {
    const provider = await getProvider(db, params.uuid)
    const used = new Map((await listUsage(db, [provider.uuid])).map((each) => [each.resource_class, each.used]))
    const usages = Object.fromEntries(
      (await listInventories(db, [provider.uuid])).map((row) => [
        row.resource_class,
        used.get(row.resource_class) ?? 0,
      ]),
    )
    const body = { resource_provider_generation: provider.generation, usages }
    return { status: 200, headers: cacheHeaders(version), body }
  },
})

const ofProjects = endpoint({
  method: 'GET',
  path: '/usages',
  since: 'usages',
  policy: 'usages',
  target: (query) => ({ project_id: last(query, 'project_id') }),
  query: bodies(byType, [
    ['usages', Type.Object(ofProject, closed)],
    ['consumer-types', byType],
  ]),
  answer: { 200: ofProjectsAnswer },
  async handle({ query, version }, { database: { db } }) {
    const projectId = last(query, 'project_id') ?? ''
    const userId = last(query, 'user_id')
    const rows = await sumUsage(db, projectId, userId)
    const usages = version.has('consumer-types')
      ? viewByType(rows, await countConsumers(db, projectId, userId), last(query, 'consumer_type'))
      : sumByClass(rows)
    return { status: 200, headers: cacheHeaders(version), body: { usages } }
  },
})

function sumByClass(rows: readonly ProjectUsage[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { resource_class: name, used } of rows) sums[name] = (sums[name] ?? 0) + used
  return sums
}

/** `all` is one sum for consumers of any type; otherwise a sum for each type, or for the type asked for. */
function viewByType(
  rows: readonly ProjectUsage[],
  counts: ReadonlyMap<string, number>,
  asked: string | undefined,
): Record<string, Record<string, number>> {
  if (rows.length === 0) return {}
  if (asked === 'all') {
    const count = [...counts.values()].reduce((sum, each) => sum + each, 0)
    return { all: { ...sumByClass(rows), consumer_count: count } }
  }
  const groups = Map.groupBy(rows, (row) => row.type)
  const wanted = asked === undefined ? [...groups.keys()] : [asked].filter((type) => groups.has(type))
  return Object.fromEntries(
    wanted.map((type) => [type, { ...sumByClass(groups.get(type) ?? []), consumer_count: counts.get(type) ?? 0 }]),
  )
}

export const usageRoutes = [ofProvider, ofProjects]
