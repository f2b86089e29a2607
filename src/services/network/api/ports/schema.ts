import { Type } from 'typebox'
import { closed, kinds } from '../kit/schema.ts'

const fixedIp = closed({
  subnet_id: Type.Optional(kinds.uuid),
  ip_address: Type.Optional(Type.String({ maxLength: 64 })),
})
const addressPair = closed({ ip_address: Type.String({ maxLength: 64 }), mac_address: Type.Optional(kinds.mac) })
/** They end up in the files of dnsmasq: a name of letters, a value on one line. */
const dhcpOption = closed({
  opt_name: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }),
  opt_value: kinds.orNull(Type.String({ maxLength: 255, pattern: '^[^\\x00-\\x1f]*$' })),
  ip_version: Type.Optional(kinds.ipVersion),
})
const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  admin_state_up: Type.Optional(kinds.boolean),
  device_id: Type.Optional(kinds.name),
  device_owner: Type.Optional(kinds.name),
  fixed_ips: Type.Optional(Type.Array(fixedIp)),
  port_security_enabled: Type.Optional(kinds.boolean),
  security_groups: Type.Optional(Type.Array(kinds.uuid, { maxItems: 50, uniqueItems: true })),
  allowed_address_pairs: Type.Optional(Type.Array(addressPair, { maxItems: 10 })),
  extra_dhcp_opts: Type.Optional(Type.Array(dhcpOption, { maxItems: 20 })),
  dns_name: Type.Optional(kinds.dnsName),
  'binding:host_id': Type.Optional(kinds.nullableText),
  'binding:vnic_type': Type.Optional(Type.Enum(['normal'])),
  'binding:profile': Type.Optional(kinds.orNull(Type.Object({}))),
}

export const createPort = closed({
  ...attributes,
  ...kinds.owner,
  network_id: kinds.uuid,
  mac_address: Type.Optional(kinds.mac),
  tags: Type.Optional(kinds.tags),
})
export const updatePort = closed({ ...attributes, mac_address: Type.Optional(kinds.orNull(kinds.mac)) })

export const createBinding = closed({
  host: Type.String({ minLength: 1, maxLength: 255 }),
  vnic_type: Type.Optional(Type.Enum(['normal'])),
  profile: Type.Optional(kinds.orNull(Type.Object({}))),
  ...kinds.owner,
})
export const updateBinding = closed({
  host: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  vnic_type: Type.Optional(Type.Enum(['normal'])),
  profile: Type.Optional(kinds.orNull(Type.Object({}))),
})
