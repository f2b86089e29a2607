import { Type } from 'typebox'
import { exactly, nullable, type Shown } from '../../../../platform/http/answers.ts'
import { number, text as shownText } from '../answers.ts'
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

const rule = exactly({
  id: shownText,
  parent_group_id: shownText,
  ip_protocol: nullable(shownText),
  from_port: nullable(number),
  to_port: nullable(number),
  /** Empty where the rule is about addresses, as these are where it is about a group. */
  group: exactly({ name: Type.Optional(shownText), tenant_id: Type.Optional(shownText) }),
  ip_range: exactly({ cidr: Type.Optional(shownText) }),
})
export type ShownRule = Shown<typeof rule>
const group = exactly({
  id: shownText,
  name: shownText,
  description: shownText,
  tenant_id: shownText,
  rules: Type.Array(rule),
})
export const groupAnswer = exactly({ security_group: group })
export const groupsAnswer = exactly({ security_groups: Type.Array(group) })
export const ruleAnswer = exactly({ security_group_rule: rule })
