/** Which attributes a body may name: unknown ones, and those that are only shown, are told apart. */
import { Type, type TObject } from 'typebox'
import { badRequest } from '../../errors.ts'

export interface Attributes {
  filters: readonly string[]
  tags?: unknown
  /** Names of attributes that are no filters and no part of what is asked about. */
  shows?: readonly string[]
}

const standard = ['id', 'project_id', 'tenant_id', 'created_at', 'updated_at', 'revision_number']
/** Filters that are no attributes. */
const onlyFilters = ['changed_since', 'tags', 'tags-any', 'not-tags', 'not-tags-any']

/** For the platform to check values by; `requireAttributes` says what is wrong with the names. */
export const withAnyName = (schema: TObject): TObject =>
  Type.Object(schema.properties, { ...schema, additionalProperties: true })

/** Throws 400 where a body names attributes that there are not, or that it may not set. */
export function requireAttributes(
  { filters, tags, shows = [] }: Attributes,
  { properties }: TObject,
  input: object,
  method: 'POST' | 'PUT',
): void {
  const others = Object.keys(input).filter((name) => !Object.hasOwn(properties, name))
  const shown = new Set([
    ...standard,
    ...filters.filter((name) => !onlyFilters.includes(name)),
    ...shows,
    ...(tags === undefined ? [] : ['tags']),
  ])
  const unknown = others.filter((name) => !shown.has(name))
  if (unknown.length > 0) throw badRequest('HTTPBadRequest', `Unrecognized attribute(s) '${unknown.join(', ')}'`)
  const [fixed] = others
  if (fixed === undefined) return
  throw badRequest(
    'HTTPBadRequest',
    method === 'PUT' ? `Cannot update read-only attribute ${fixed}` : `Attribute '${fixed}' not allowed in POST`,
  )
}
