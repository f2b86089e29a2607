import { Type } from 'typebox'
import { kinds } from '../schema.ts'

const nullableInteger = (minimum: number) => Type.Union([Type.Null(), Type.Integer({ minimum })])

export const createBody = Type.Object(
  {
    trust: Type.Object({
      trustor_user_id: kinds.text,
      trustee_user_id: kinds.text,
      impersonation: kinds.boolean,
      project_id: Type.Optional(kinds.nullableText),
      remaining_uses: Type.Optional(nullableInteger(1)),
      expires_at: Type.Optional(kinds.nullableText),
      allow_redelegation: Type.Optional(Type.Union([Type.Null(), Type.Boolean()])),
      redelegation_count: Type.Optional(nullableInteger(0)),
      redelegated_trust_id: Type.Optional(kinds.nullableText),
      roles: Type.Optional(
        Type.Array(
          Type.Object(
            { id: Type.Optional(kinds.id), name: Type.Optional(kinds.name) },
            { minProperties: 1, maxProperties: 1, additionalProperties: false },
          ),
        ),
      ),
    }),
  },
  { additionalProperties: false },
)
