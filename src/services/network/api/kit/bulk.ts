import { Type, type Static, type TObject } from 'typebox'
import type { Input } from '../../../../platform/api/resource.ts'
import { findProblem } from '../../../../platform/http/schema.ts'
import { requireAttributes, withAnyName, type Attributes } from './attributes.ts'
import { invalid } from './invalid.ts'
import { convert } from './schema.ts'

/** The body of a creation: one resource, or a list of them that is made as a whole or not at all. */
export const oneOrMany = (singular: string, schema: TObject) =>
  Type.Object(
    {
      [singular]: Type.Optional(withAnyName(schema)),
      // Each may be wrapped in its name; `itemsOf` looks at them.
      [`${singular}s`]: Type.Optional(Type.Array(Type.Object({}), { minItems: 1, maxItems: 1000 })),
    },
    { minProperties: 1, maxProperties: 1, additionalProperties: false },
  )

/** What a body of `oneOrMany` asks for. Throws 400 on a wrong one among many, and on names that are not for it. */
export function itemsOf<S extends TObject>(
  schema: S,
  collection: Attributes & { singular: string },
  body: Input,
): (Static<S> & Input)[] {
  const { singular } = collection
  const open = withAnyName(schema)
  const read = (bare: unknown): Static<S> & Input => {
    requireAttributes(collection, schema, bare as object, 'POST')
    return convert(schema, bare as Static<S> & Input)
  }
  const many = body[`${singular}s`] as Record<string, unknown>[] | undefined
  if (!many) return [read(body[singular])]
  return many.map((item) => {
    const bare = Object.hasOwn(item, singular) ? item[singular] : item
    const problem = findProblem(open, bare)
    if (problem) throw invalid({ ...problem, path: [singular, ...problem.path] })
    return read(bare)
  })
}
