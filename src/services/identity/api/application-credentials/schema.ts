import { Type } from 'typebox'
import { kinds } from '../schema.ts'

const accessRule = Type.Object({
  id: Type.Optional(kinds.id),
  path: Type.Optional(Type.String({ maxLength: 225, pattern: '^/.*' })),
  service: Type.Optional(kinds.id),
  method: Type.Optional(Type.Enum(['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT'])),
})

/** Every request with the credential is compared with each of them. */
const mostRules = 100

export const createBody = Type.Object({
  application_credential: Type.Object(
    {
      name: kinds.name,
      description: Type.Optional(kinds.description),
      secret: Type.Optional(kinds.nullableText),
      expires_at: Type.Optional(kinds.nullableText),
      project_id: Type.Optional(kinds.text),
      roles: Type.Optional(
        Type.Array(
          Type.Object(
            { id: Type.Optional(kinds.id), name: Type.Optional(kinds.name) },
            { minProperties: 1, maxProperties: 1, additionalProperties: false },
          ),
        ),
      ),
      unrestricted: Type.Optional(Type.Union([Type.Null(), Type.Boolean()])),
      access_rules: Type.Optional(Type.Array(accessRule, { maxItems: mostRules })),
      system: Type.Optional(kinds.nullableText),
    },
    { additionalProperties: false },
  ),
})
