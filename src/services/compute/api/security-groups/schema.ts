import { Type } from 'typebox'

const text = Type.Union([Type.Null(), Type.String({ minLength: 0, maxLength: 255 })])

export const groupBody = Type.Object(
  { security_group: Type.Object({ name: text, description: text }, { additionalProperties: false }) },
  { additionalProperties: false },
)

const port = Type.Optional(
  Type.Union([Type.Integer({ minimum: -1, maximum: 65_535 }), Type.String({ pattern: '^(-1|[0-9]+)$' }), Type.Null()]),
)

export const ruleBody = Type.Object(
  {
    security_group_rule: Type.Object(
      {
        group_id: Type.Optional(Type.Union([Type.Null(), Type.String({ format: 'uuid' })])),
        parent_group_id: Type.String({ format: 'uuid' }),
        from_port: port,
        to_port: port,
        ip_protocol: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        cidr: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)

/** Of the actions addSecurityGroup and removeSecurityGroup. */
export const nameBody = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 255, pattern: '\\S' }) },
  { additionalProperties: false },
)
