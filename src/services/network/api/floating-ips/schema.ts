import { Type } from 'typebox'
import { shown, standardFields } from '../kit/answers.ts'
import { closed } from '../kit/schema.ts'
import { portFacts } from '../ports/schema.ts'

const { name: _name, ...fields } = standardFields
const port = closed({ name: shown.text, ...portFacts })

export const floatingIpAnswer = closed({
  ...fields,
  floating_network_id: shown.text,
  floating_ip_address: shown.text,
  port_id: shown.nullableText,
  fixed_ip_address: shown.nullableText,
  router_id: shown.nullableText,
  status: shown.text,
  dns_name: shown.text,
  dns_domain: shown.text,
  port_details: Type.Union([port, Type.Null()]),
})

/** Where floating IPs come from. */
export const poolAnswer = closed({
  subnet_id: shown.text,
  subnet_name: shown.text,
  network_id: shown.text,
  cidr: shown.text,
  project_id: shown.nullableText,
  tenant_id: shown.nullableText,
})
