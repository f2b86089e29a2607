import { Type } from 'typebox'
import { bodies } from '../../../../platform/http/schema.ts'
import { closed } from '../schema.ts'

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
