import { Type } from 'typebox'
import { kinds } from '../schema.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { boolean, nullableText, oneOf, self, text, withFields } from '../answers.ts'

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

const rule = exactly({ id: text, service: text, method: text, path: text })
export const credentialAnswer = exactly({
  id: text,
  name: text,
  description: nullableText,
  project_id: text,
  user_id: text,
  expires_at: nullableText,
  unrestricted: boolean,
  system: Type.Null(),
  roles: Type.Array(exactly({ id: text, name: text, domain_id: nullableText })),
  access_rules: Type.Optional(Type.Array(rule)),
  links: self,
})
/** The secret is shown once, when the credential is made. */
export const madeAnswer = oneOf('application_credential', withFields(credentialAnswer, { secret: text }))
