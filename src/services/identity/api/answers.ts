/** What keystone's answers are made of. */
import { Type, type TObject, type TProperties } from 'typebox'
import { exactly, nullable } from '../../../platform/http/answers.ts'

export const text = Type.String()
export const nullableText = nullable(text)
export const boolean = Type.Boolean()
export const texts = Type.Array(text)
export const ref = exactly({ id: text, name: text })
export const self = exactly({ self: text })
export const pageLinks = exactly({ next: nullableText, self: text, previous: nullableText })

/** An entity that shows attributes of which only its maker knows, beside its own. */
export const open = <P extends TProperties>(fields: P) => Type.Object(fields, { additionalProperties: Type.Unknown() })

/** The same with further fields. */
export const withFields = <S extends TObject>(schema: S, fields: TProperties): TObject =>
  Type.Object({ ...schema.properties, ...fields }, { additionalProperties: additionalOf(schema) })

/** Whether, and which, further fields an object may have. */
const additionalOf = (schema: object) =>
  (schema as { additionalProperties?: boolean | object }).additionalProperties ?? false

export const linked = (schema: TObject): TObject => withFields(schema, { links: self })

/** A collection; `truncated` where the configuration has cut it. */
export const listAnswer = (plural: string, item: TObject): { 200: TObject } => ({
  200: exactly({ links: pageLinks, [plural]: Type.Array(item), truncated: Type.Optional(boolean) }),
})
/** One entity under its name. */
export const oneOf = (singular: string, item: TObject): TObject => exactly({ [singular]: item })
