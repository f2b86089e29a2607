import { Type } from 'typebox'

/** The rules are checked by their own version; here only that there is a mapping. */
export const mappingSchema = Type.Object({
  rules: Type.Optional(Type.Unknown()),
  schema_version: Type.Optional(Type.String()),
})
