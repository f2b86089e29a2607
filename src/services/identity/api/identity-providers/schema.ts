import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { nullableString } from '../federation/schema.ts'

const attributes = {
  enabled: Type.Optional(Type.Boolean()),
  description: Type.Optional(nullableString()),
  authorization_ttl: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 0 })])),
  remote_ids: Type.Optional(
    Type.Union([
      Type.Null(),
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { uniqueItems: true, maxItems: 1000 }),
    ]),
  ),
}

export const createSchema = exactly({
  ...attributes,
  domain_id: Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 64, pattern: '^[a-zA-Z0-9-]+$' })])),
})
export const updateSchema = Type.Object(attributes, { additionalProperties: false, minProperties: 1 })
