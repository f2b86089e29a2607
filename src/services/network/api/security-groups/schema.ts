import { Type } from 'typebox'
import { shown, standardFields } from '../kit/answers.ts'
import { closed } from '../kit/schema.ts'

const { name: _name, ...fields } = standardFields
const match = {
  direction: shown.text,
  ethertype: shown.text,
  protocol: shown.nullableText,
  port_range_min: shown.nullableInteger,
  port_range_max: shown.nullableInteger,
  remote_ip_prefix: shown.nullableText,
  remote_group_id: shown.nullableText,
  remote_address_group_id: shown.nullableText,
}

export const ruleAnswer = closed({
  ...fields,
  ...match,
  security_group_id: shown.text,
  normalized_cidr: shown.nullableText,
  belongs_to_default_sg: shown.boolean,
})
export const groupAnswer = closed({
  ...standardFields,
  stateful: shown.boolean,
  shared: shown.boolean,
  security_group_rules: Type.Array(ruleAnswer),
})
export const defaultRuleAnswer = closed({
  ...match,
  id: shown.text,
  description: shown.text,
  used_in_default_sg: shown.boolean,
  used_in_non_default_sg: shown.boolean,
})
