import { Type } from 'typebox'
import { looseQuery, many, nonNegativeInteger, strict, uuid } from '../parameter-types.ts'

const text = Type.String({ minLength: 0, maxLength: 255 })

// Nova has never looked closer at these, and leaves the rest to neutron.
export const groupBody = Type.Object({ security_group: Type.Object({ name: text, description: text }) })

export const ruleBody = Type.Object({
  security_group_rule: Type.Object({
    group_id: Type.Optional(Type.Unsafe<string | null>({ ...uuid, type: ['string', 'null'] })),
    parent_group_id: uuid,
    from_port: Type.Optional(Type.Unknown()),
    to_port: Type.Optional(Type.Unknown()),
    ip_protocol: Type.Optional(Type.Unknown()),
    cidr: Type.Optional(Type.Unknown()),
  }),
})

export const listQuery = looseQuery({
  limit: many(nonNegativeInteger),
  offset: many(nonNegativeInteger),
  all_tenants: many(Type.String()),
})

/** Of the actions addSecurityGroup and removeSecurityGroup. */
export const nameBody = Type.Object({ name: Type.String({ minLength: 1 }) }, strict)
