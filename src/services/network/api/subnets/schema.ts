import { Type } from 'typebox'
import { shown, standardFields } from '../kit/answers.ts'
import { closed } from '../kit/schema.ts'

export const subnetAnswer = closed({
  ...standardFields,
  network_id: shown.text,
  ip_version: shown.integer,
  cidr: shown.text,
  gateway_ip: shown.nullableText,
  enable_dhcp: shown.boolean,
  allocation_pools: Type.Array(closed({ start: shown.text, end: shown.text })),
  dns_nameservers: shown.texts,
  host_routes: Type.Array(shown.route),
  ipv6_ra_mode: shown.nullableText,
  ipv6_address_mode: shown.nullableText,
  subnetpool_id: shown.nullableText,
  service_types: shown.texts,
  'router:external': shown.boolean,
})
