import { Type, type TProperties, type TSchema } from 'typebox'

/** `{singular: {…}}` with nothing but the given attributes. */
export const wrapped = (singular: string, properties: TProperties, options: { minProperties?: number } = {}): TSchema =>
  Type.Object(
    { [singular]: Type.Object(properties, { additionalProperties: false, ...options }) },
    { additionalProperties: false },
  )

export const nullableString = (maxLength?: number) =>
  Type.Union([Type.Null(), Type.String(maxLength === undefined ? {} : { maxLength })])
