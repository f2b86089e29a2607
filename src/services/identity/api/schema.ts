import { Type } from 'typebox'

const nullable = <S extends ReturnType<typeof Type.String>>(schema: S) => Type.Union([Type.Null(), schema])

/** Attribute types that keystone's entities share. */
export const kinds = {
  id: Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-zA-Z0-9-]+$' }),
  optionalId: nullable(Type.String({ maxLength: 64 })),
  name: Type.String({ minLength: 1, maxLength: 255, pattern: '[\\S]+' }),
  shortName: Type.String({ minLength: 1, maxLength: 64, pattern: '[\\S]+' }),
  description: nullable(Type.String()),
  text: Type.String(),
  nullableText: nullable(Type.String()),
  boolean: Type.Boolean(),
  options: Type.Object(
    { immutable: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])) },
    { additionalProperties: false },
  ),
  url: Type.String({ minLength: 1, maxLength: 2048, pattern: '^[a-zA-Z0-9+.-]+:.+' }),
  integer: Type.Integer({ minimum: -1, maximum: 2147483647 }),
  tags: Type.Array(Type.String({ minLength: 1, maxLength: 255, pattern: '^[^,/]*$' }), {
    maxItems: 80,
    uniqueItems: true,
  }),
}
