import { Type } from 'typebox'
import { shown, standardFields } from '../kit/answers.ts'
import { closed } from '../kit/schema.ts'

const gateway = closed({
  network_id: shown.text,
  enable_snat: shown.boolean,
  external_fixed_ips: Type.Array(shown.address),
})

export const routerAnswer = closed({
  ...standardFields,
  admin_state_up: shown.boolean,
  status: shown.text,
  external_gateway_info: Type.Union([gateway, Type.Null()]),
  routes: Type.Array(shown.route),
  availability_zone_hints: shown.texts,
  availability_zones: shown.texts,
})

export const interfaceAnswer = closed({
  id: shown.text,
  project_id: shown.text,
  tenant_id: shown.text,
  port_id: shown.text,
  network_id: shown.text,
  subnet_id: Type.Optional(shown.text),
  subnet_ids: shown.texts,
})
