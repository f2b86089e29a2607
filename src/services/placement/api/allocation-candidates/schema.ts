import { Type, type TSchema } from 'typebox'
import { since, type Shown } from '../../../../platform/http/answers.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import { amounts, closed, nullableUuid, uuid } from '../schema.ts'

const text = Type.String()
const limit = Type.Optional(Type.String({ pattern: '^[1-9][0-9]*$', minLength: 1 }))
const flat = { resources: text }
const limited = { ...flat, limit }
const withTraits = { ...limited, required: Type.Optional(text) }
const withAggregates = { ...withTraits, member_of: Type.Optional(text) }

/** Suffixes of groups: numbers, and since 1.33 names. */
export const numberSuffix = '[1-9][0-9]*'
export const nameSuffix = '[a-zA-Z0-9_-]{1,64}'

const granular = (
  names: readonly string[],
  suffix: string,
  more: Record<string, ReturnType<typeof Type.Optional>> = {},
) => ({
  ...Type.Object(
    { limit, group_policy: Type.Optional(Type.Enum(['none', 'isolate'])), ...more },
    { patternProperties: Object.fromEntries(names.map((name) => [`^${name}(${suffix})?$`, text])), ...closed },
  ),
})

const parts = ['resources', 'required', 'member_of']
const treeParts = [...parts, 'in_tree']
const rootRequired = { root_required: Type.Optional(text) }

export const listQuery = bodies(Type.Record(text, text), [
  ['candidates', Type.Object(flat, closed)],
  ['candidates-limit', Type.Object(limited, closed)],
  ['candidates-required', Type.Object(withTraits, closed)],
  ['candidates-member-of', Type.Object(withAggregates, closed)],
  ['granular', granular(parts, numberSuffix)],
  ['in-tree', granular(treeParts, numberSuffix)],
  ['group-suffix', granular(treeParts, nameSuffix)],
  ['root-required', granular(treeParts, nameSuffix, rootRequired)],
  ['same-subtree', granular(treeParts, nameSuffix, { ...rootRequired, same_subtree: Type.Optional(text) })],
])

const asList = Type.Object(
  {
    allocations: Type.Array(
      Type.Object({ resource_provider: Type.Object({ uuid }, closed), resources: amounts }, closed),
    ),
  },
  closed,
)
const asMap = Type.Object(
  {
    allocations: Type.Record(text, Type.Object({ resources: amounts }, closed)),
    mappings: since('mappings', Type.Record(text, Type.Array(uuid))),
  },
  closed,
)
const stock = Type.Object({ capacity: Type.Integer(), used: Type.Integer() }, closed)
const summary = Type.Object(
  {
    resources: Type.Record(text, stock),
    traits: since('candidates-required', Type.Array(text)),
    parent_provider_uuid: since('nested-candidates', nullableUuid),
    root_provider_uuid: since('nested-candidates', nullableUuid),
  },
  closed,
)
export type ShownRequest = Shown<typeof asList> | Shown<typeof asMap>
export type ShownSummary = Shown<typeof summary>

const answerWith = <R extends TSchema>(request: R) =>
  Type.Object({ allocation_requests: Type.Array(request), provider_summaries: Type.Record(text, summary) }, closed)

export const newestAnswer = answerWith(asMap)
export const listAnswer = bodies(answerWith(Type.Union([asMap, asList])), [
  ['candidates', answerWith(asList)],
  ['allocations-by-provider', newestAnswer],
])
