import { Type } from 'typebox'
import { nullableString } from '../federation/schema.ts'

const description = Type.Optional(nullableString(255))

export const createConsumerBody = Type.Object({ consumer: Type.Object({ description }) })
export const updateConsumerBody = Type.Object({
  consumer: Type.Object({ description, secret: Type.Optional(Type.Never()) }, { minProperties: 1 }),
})

export const authorizeBody = Type.Object({
  roles: Type.Array(
    Type.Object(
      {
        id: Type.Optional(Type.String({ pattern: '^[a-zA-Z0-9-]{1,64}$' })),
        name: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
      },
      { minProperties: 1, maxProperties: 1, additionalProperties: false },
    ),
    { minItems: 1, maxItems: 100 },
  ),
})
