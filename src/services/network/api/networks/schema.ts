import { Type } from 'typebox'
import { shown, standardFields } from '../kit/answers.ts'
import { closed } from '../kit/schema.ts'

export const networkAnswer = closed({
  ...standardFields,
  admin_state_up: shown.boolean,
  status: shown.text,
  shared: shown.boolean,
  mtu: shown.integer,
  port_security_enabled: shown.boolean,
  'router:external': shown.boolean,
  /** Of external networks only. */
  is_default: Type.Optional(shown.boolean),
  availability_zone_hints: shown.texts,
  availability_zones: shown.texts,
  ipv4_address_scope: shown.nullableText,
  ipv6_address_scope: shown.nullableText,
  subnets: shown.texts,
  dns_domain: shown.text,
  'provider:network_type': shown.text,
  'provider:physical_network': shown.nullableText,
  'provider:segmentation_id': shown.nullableInteger,
})
