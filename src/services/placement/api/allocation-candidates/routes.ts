import { BadQuery, ClassNotFound, mapErrors, TraitsNotFound, type ErrorMapping } from '../../errors.ts'
import { findCandidates } from '../../model/candidates/search.ts'
import { requireClasses, requireTraits } from '../../operations/known-names.ts'
import { endpoint } from '../endpoint.ts'
import { cacheHeaders } from '../headers.ts'
import { parseCandidateRequest } from './groups.ts'
import { listAnswer, listQuery } from './schema.ts'
import { viewCandidates } from './view.ts'

const mappings: ErrorMapping[] = [
  [ClassNotFound, (why) => new BadQuery(`Invalid resource class in resources parameter: ${why}`)],
  [TraitsNotFound, (why) => new BadQuery(why)],
]

const list = endpoint({
  method: 'GET',
  path: '/allocation_candidates',
  since: 'candidates',
  policy: 'allocation_candidates:list',
  query: listQuery,
  answer: { 200: listAnswer },
  async handle({ query, version }, { database: { db }, cache, settings }) {
    const request = parseCandidateRequest(query, version)
    const { groups, rootRequired, rootForbidden } = request
    await mapErrors(mappings, async () => {
      await requireTraits(db, [...rootRequired, ...rootForbidden])
      await requireClasses(
        db,
        groups.flatMap((group) => Object.keys(group.resources)),
      )
      await requireTraits(
        db,
        groups.flatMap((group) => [...group.required.flat(), ...group.forbidden]),
      )
    })
    const limit = query['limit']?.[0]
    const result = findCandidates(await cache.read(), request, {
      limit: limit === undefined ? undefined : Number(limit),
      maximum: settings.maxCandidates,
      isRandom: settings.isRandom,
      isBreadthFirst: settings.isBreadthFirst,
      isNestedAware: version.has('nested-candidates'),
    })
    return { status: 200, headers: cacheHeaders(version), body: viewCandidates(result, request, version) }
  },
})

export const candidateRoutes = [list]
