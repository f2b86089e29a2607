/**
 * Types that nova's bodies and queries are made of, under the names that nova has for them.
 * Source: nova/api/validation/parameter_types.py.
 */
import { Type, type TOptional, type TProperties, type TSchema } from 'typebox'
import { bodies } from '../../../platform/http/schema.ts'

export const strict = { additionalProperties: false }

/** The words of either kind; other spellings are refused. */
export const boolean = Type.Unsafe<boolean | string>({
  type: ['boolean', 'string'],
  enum: [true, false, ...'True TRUE true 1 ON On on YES Yes yes False FALSE false 0 OFF Off off NO No no'.split(' ')],
})

/** A whole number, also as text. */
export const integer = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  Type.Unsafe<number | string>({
    type: ['integer', 'string'],
    pattern: minimum < 0 ? '^-?[0-9]+$' : '^[0-9]+$',
    minimum,
    maximum,
    textMinimum: minimum,
    textMaximum: maximum,
  })
export const maxInt = 0x7fffffff
export const positiveInteger = integer(1)
export const nonNegativeInteger = integer(0)

// Nova's printable characters: of the basic plane, no control characters, no separators of lines and paragraphs.
const beyond = '\\u{10000}-\\u{10FFFF}'
const unprintable = `\\p{C}\\p{Zl}\\p{Zp}${beyond}`
const blank = `[\\p{C}\\p{Z}]`
const between = (without: string) => `^(?!${blank})[^${unprintable}${without}]*(?<!${blank})$`

/** What patterns mean, for people: the patterns themselves say little. */
export const meanings: Readonly<Record<string, string>> = {
  [between('')]: 'printable characters. Can not start or end with whitespace.',
  [between(':')]: 'printable characters except :.Can not start or end with whitespace.',
  [`^[^${unprintable}]*$`]: 'printable characters',
}

export const name = Type.String({ minLength: 1, maxLength: 255, pattern: between('') })
export const azName = Type.String({ minLength: 1, maxLength: 255, pattern: between(':') })
/** As clients of old send them: what is around the name is cut off. */
export const nameWithBlanks = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: `^[^${unprintable}]*[^\\p{C}\\p{Z}${beyond}][^${unprintable}]*$`,
})
export const descriptionOf = (maxLength: number) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength, pattern: `^[^${unprintable}]*$` })
export const description = descriptionOf(255)

export const uuid = Type.String({ format: 'uuid-like' })
export const hostname = Type.String({
  minLength: 2,
  maxLength: 63,
  pattern: '^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$',
})
export const fqdn = Type.String({ minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9-._]*$' })
export const ipAddress = Type.String({ format: 'ip' })
export const tag = Type.String({ minLength: 1, maxLength: 60, pattern: '^[^,/]*$' })

const metadataKey = Type.String({ pattern: '^[a-zA-Z0-9-_:. ]{1,255}$' })
export const metadata = Type.Record(metadataKey, Type.String({ maxLength: 255 }), strict)
export const metadataWithNull = Type.Record(
  metadataKey,
  Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 255 }),
  strict,
)
/** Of one entry. */
export const metadataItem = Type.Record(metadataKey, Type.String({ maxLength: 255 }), {
  ...strict,
  minProperties: 1,
  maxProperties: 1,
})

/** A query parameter that may be given several times; the last one counts. */
export const many = (schema: TSchema) => Type.Array(schema)
/** One that may be given once. */
export const once = (schema: TSchema) => Type.Array(schema, { maxItems: 1 })
export const text = many(Type.String())
export const regex = many(Type.String({ format: 'regex' }))
export const paging = { limit: many(nonNegativeInteger), marker: text }

const optional = <P extends TProperties>(parameters: P) =>
  Object.fromEntries(Object.entries(parameters).map(([key, schema]) => [key, Type.Optional(schema)])) as {
    [Name in keyof P]: TOptional<P[Name]>
  }

/** A query whose other parameters mean nothing. */
export const looseQuery = <P extends TProperties>(parameters: P) => Type.Object(optional(parameters))
/** A query that has no other parameters. */
export const strictQuery = <P extends TProperties>(parameters: P) => Type.Object(optional(parameters), strict)

/** Most lists: other parameters are refused since 2.75. */
export const query = <P extends TProperties>(parameters: P) =>
  bodies(looseQuery(parameters), [
    ['initial', looseQuery(parameters)],
    ['cleanup', strictQuery(parameters)],
  ])
