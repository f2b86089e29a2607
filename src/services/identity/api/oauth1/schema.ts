import { Type } from 'typebox'
import { nullableString } from '../federation/schema.ts'

const description = Type.Optional(nullableString(255))

export const createConsumerBody = Type.Object({ consumer: Type.Object({ description }) })
export const updateConsumerBody = Type.Object({ consumer: Type.Object({ description }, { minProperties: 1 }) })

const closed = { additionalProperties: false }

export const authorizeBody = Type.Object({
  roles: Type.Array(
    Type.Union([
      Type.Object({ id: Type.String({ pattern: '^[a-zA-Z0-9-]{1,64}$' }) }, closed),
      Type.Object({ name: Type.String({ minLength: 1, maxLength: 255 }) }, closed),
    ]),
    { minItems: 1, maxItems: 100 },
  ),
})
