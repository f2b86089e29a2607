/**
 * What routes answer, as data: schemas by status. Fields that come and go with microversions are marked where they are
 * declared (`since('nested', uuid)`), so there is one declaration of an answer, from which its type and its schema at any
 * version are made. Nothing here runs for a request.
 */
import { Type, type Static, type TOptional, type TProperties, type TSchema } from 'typebox'
import type { Route } from './route.ts'
import { isBodies, schemaAt, type Bodies, type BodyOf } from './schema.ts'
import type { ApiVersion, VersionTable } from './versions.ts'

/** By status: the schema of the body, a media type for one that is no JSON, `null` for none. */
export type Answers = Readonly<Record<number, TSchema | Bodies | MediaType | null>>
export type MediaType = `${string}/${string}`

/** Answers may be made of what must not be changed. */
type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T

/** What a schema's values look like to those who only read or make them. */
export type Shown<S extends TSchema> = Frozen<Static<S>>

/** An object with these fields and no others. */
export const exactly = <P extends TProperties>(fields: P) => Type.Object(fields, { additionalProperties: false })

/** A field that may be null. */
export const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])

/** What callers see who may not be shown everything: these fields only perhaps. */
export type Seen<T, Guarded extends keyof T> = Omit<T, Guarded> & Partial<Pick<T, Guarded>>

type ContentOf<A> = A extends null
  ? { body?: undefined }
  : A extends MediaType
    ? { body?: unknown }
    : { body: Frozen<BodyOf<A>> }

/** What a handler may return: one of the statuses that its route declares, with that one's body. */
export type ResponseOf<A> = A extends Answers
  ? {
      [Status in keyof A & number]: { status: Status; headers?: Record<string, string> } & ContentOf<A[Status]>
    }[keyof A & number]
  : { status: number; headers?: Record<string, string>; body?: unknown }

/** Between which changes a field is there. */
export interface Span {
  readonly since?: string
  readonly until?: string
  /** Whether it is always there between them. */
  readonly isRequired: boolean
}

const mark = 'x-span'

const spanned = <S extends TSchema>(schema: S, span: Omit<Span, 'isRequired'>): TOptional<S> => {
  const known = spanOf(schema)
  const isRequired = known?.isRequired ?? !Type.IsOptional(schema)
  return Type.Optional(Type.With(schema, { [mark]: { ...known, ...span, isRequired } })) as TOptional<S>
}

/** A field of a body that is there from the change of that name on. */
export const since = <S extends TSchema>(name: string, schema: S): TOptional<S> => spanned(schema, { since: name })

/** A field of a body that is there until the change of that name. */
export const until = <S extends TSchema>(name: string, schema: S): TOptional<S> => spanned(schema, { until: name })

/** When a field is there; undefined for always. */
export const spanOf = (schema: TSchema): Span | undefined => (schema as { [mark]?: Span })[mark]

/** The schema of what a route answers with a status at a version; undefined where it declares none. */
export function answerAt(
  { answer }: Pick<Route, 'answer'>,
  status: number,
  version: ApiVersion,
  table: VersionTable | undefined,
): TSchema | MediaType | null | undefined {
  const declared = answer?.[status]
  if (declared === undefined || declared === null || typeof declared === 'string') return declared
  const schema = isBodies(declared) ? schemaAt(declared, version, table) : declared
  return schema && table ? narrowed(schema, version.number, table) : schema
}

const made = new WeakMap<object, Map<number, TSchema>>()

/** The schema with the fields of one version; those that are always there then are required. */
function narrowed(schema: TSchema, version: number, table: VersionTable): TSchema {
  const known = made.get(schema)?.get(version)
  if (known) return known
  const result = narrow(schema, (span) => isIn(span, version, table))
  made.set(schema, (made.get(schema) ?? new Map<number, TSchema>()).set(version, result))
  return result
}

const isIn = (span: Span, version: number, table: VersionTable): boolean =>
  (span.since === undefined || version >= table.numberOf(span.since)) &&
  (span.until === undefined || version < table.numberOf(span.until))

/** Keywords with one schema, with a list of them, and with one for each name. */
const single = ['items', 'additionalProperties'] as const
const several = ['anyOf', 'oneOf', 'allOf'] as const
const named = ['properties', 'patternProperties'] as const

/** A schema with each schema in it replaced. */
export function mapSchemas(schema: TSchema, change: (inner: TSchema) => TSchema): TSchema {
  const parts = schema as Record<string, unknown>
  const changed: Record<string, unknown> = { ...parts }
  for (const key of single) if (typeof parts[key] === 'object') changed[key] = change(parts[key] as TSchema)
  for (const key of several) if (parts[key]) changed[key] = (parts[key] as TSchema[]).map(change)
  for (const key of named) {
    const entries = Object.entries((parts[key] ?? {}) as Record<string, TSchema>)
    if (parts[key]) changed[key] = Object.fromEntries(entries.map(([name, inner]) => [name, change(inner)]))
  }
  return changed as TSchema
}

function narrow(schema: TSchema, isThere: (span: Span) => boolean): TSchema {
  const inner = mapSchemas(schema, (each) => narrow(each, isThere)) as TSchema & Fields
  if (!inner.properties) return inner
  const fields = Object.entries(inner.properties).map(([name, each]) => [name, spanOf(each), each] as const)
  const kept = fields.filter(([, span]) => !span || isThere(span))
  const forced = kept.filter(([, span]) => span?.isRequired).map(([name]) => name)
  const properties = Object.fromEntries(kept.map(([name, , each]) => [name, each]))
  return { ...inner, properties, required: [...(inner.required ?? []), ...forced] }
}

interface Fields {
  properties?: Record<string, TSchema>
  required?: readonly string[]
}
