import { Type } from 'typebox'
import { kinds } from '../kit/schema.ts'

/** What is a port is for the rule's own check to say, in words that clients know. */
const port = Type.Optional(Type.Union([Type.Null(), Type.Integer(), Type.String({ maxLength: 32 })]))

/** What rules and default rules have in common. */
export const ruleAttributes = {
  direction: Type.Enum(['ingress', 'egress']),
  ethertype: Type.Optional(Type.String({ pattern: '^[iI][pP][vV][46]$' })),
  protocol: Type.Optional(
    Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: 255 }), Type.String({ maxLength: 32 })]),
  ),
  port_range_min: port,
  port_range_max: port,
  remote_ip_prefix: Type.Optional(kinds.nullableText),
  remote_group_id: Type.Optional(kinds.orNull(Type.String({ maxLength: 36 }))),
  remote_address_group_id: Type.Optional(kinds.nullableUuid),
  description: Type.Optional(kinds.name),
}
