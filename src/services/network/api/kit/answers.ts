/** What collections answer, made of how one of their resources looks. */
import { Type, type TObject, type TSchema } from 'typebox'
import { guardedAttributes } from '../../policies.ts'
import { closed } from './schema.ts'

/** Types of attributes as they are shown. */
export const shown = {
  text: Type.String(),
  nullableText: Type.Union([Type.String(), Type.Null()]),
  boolean: Type.Boolean(),
  integer: Type.Integer(),
  nullableInteger: Type.Union([Type.Integer(), Type.Null()]),
  texts: Type.Array(Type.String()),
  address: closed({ subnet_id: Type.String(), ip_address: Type.String() }),
  route: closed({ destination: Type.String(), nexthop: Type.String() }),
}

/** What every resource with a revision shows. */
export const standardFields = {
  id: shown.text,
  name: shown.text,
  description: shown.text,
  project_id: shown.text,
  tenant_id: shown.text,
  created_at: shown.text,
  updated_at: shown.text,
  revision_number: shown.integer,
}

const without = ({ properties }: TObject, names: readonly string[]) =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => !names.includes(name)))

const optional = (schemas: Readonly<Record<string, TSchema>>) =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, Type.Optional(schema)]))

/** A resource of which the query's `fields` may have named some attributes only. */
const someOf = (item: TObject): TObject => closed(optional(item.properties))

const links = Type.Array(closed({ rel: shown.text, href: shown.text }))

/** A list, with the pages beside it where it has a limit. */
export const listAnswer = (plural: string, item: TObject): { 200: TObject } => ({
  200: closed({ [plural]: Type.Array(someOf(item)), [`${plural}_links`]: Type.Optional(links) }),
})
export const showAnswer = (singular: string, item: TObject): { 200: TObject } => ({
  200: closed({ [singular]: someOf(item) }),
})

/** What was made: one, or as many as were asked for. */
export const madeAnswer = (singular: string, item: TObject): { 201: TObject } => ({
  201: Type.Object(
    { [singular]: Type.Optional(item), [`${singular}s`]: Type.Optional(Type.Array(item)) },
    { minProperties: 1, maxProperties: 1, additionalProperties: false },
  ),
})
export const changedAnswer = (singular: string, item: TObject): { 200: TObject } => ({
  200: closed({ [singular]: item }),
})

interface Shows {
  singular: string
  answer: TObject
  tags?: unknown
  hidden?: readonly string[]
}

/** How a resource looks to callers: with its tags, without what is only filtered by; what a policy guards may be left out. */
export function resourceOf({ singular, answer, tags, hidden = [] }: Shows): TObject {
  const guarded = guardedAttributes(singular)
  const seen = without(answer, hidden)
  const kept = Object.entries(seen).filter(([name]) => !guarded.includes(name))
  const may = optional(Object.fromEntries(Object.entries(seen).filter(([name]) => guarded.includes(name))))
  return closed({ ...Object.fromEntries(kept), ...may, ...(tags !== undefined && { tags: shown.texts }) })
}
