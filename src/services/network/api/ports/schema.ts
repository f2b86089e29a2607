import { Type } from 'typebox'
import { shown, standardFields } from '../kit/answers.ts'
import { closed, kinds } from '../kit/schema.ts'

const fixedIp = closed({
  subnet_id: Type.Optional(kinds.uuid),
  ip_address: Type.Optional(kinds.ip),
})
const addressPair = closed({ ip_address: Type.String({ maxLength: 64 }), mac_address: Type.Optional(kinds.mac) })
/** They end up in the files of dnsmasq: whatever it is, it is on one line. */
const line = (maxLength: number) =>
  Type.String({ maxLength, pattern: '^(?=.*\\S)[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]*$' })
const dhcpOption = Type.Union([
  // To say that there is none.
  closed({
    opt_name: Type.Enum(['router', 'classless-static-route']),
    opt_value: Type.Literal(''),
    ip_version: Type.Optional(kinds.ipVersion),
  }),
  closed({
    opt_name: line(64),
    opt_value: kinds.orNull(line(255)),
    ip_version: Type.Optional(kinds.ipVersion),
  }),
])
/** All that upstream knows; what this cloud's hosts cannot plug fails when the port is bound. */
const vnicType = Type.Enum([
  'normal',
  'direct',
  'macvtap',
  'baremetal',
  'direct-physical',
  'virtio-forwarder',
  'smart-nic',
  'vdpa',
  'accelerator-direct',
  'accelerator-direct-physical',
  'remote-managed',
])
const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  admin_state_up: Type.Optional(kinds.boolean),
  device_id: Type.Optional(kinds.name),
  device_owner: Type.Optional(kinds.name),
  fixed_ips: Type.Optional(Type.Array(fixedIp)),
  port_security_enabled: Type.Optional(kinds.boolean),
  security_groups: Type.Optional(kinds.list(kinds.uuid, { maxItems: 50, uniqueItems: true })),
  allowed_address_pairs: Type.Optional(kinds.list(addressPair, { maxItems: 10 })),
  extra_dhcp_opts: Type.Optional(kinds.list(dhcpOption, { maxItems: 20 })),
  dns_name: Type.Optional(kinds.dnsName),
  'binding:host_id': Type.Optional(kinds.nullableText),
  'binding:vnic_type': Type.Optional(vnicType),
  'binding:profile': Type.Optional(kinds.orNull(Type.Unsafe<Record<string, unknown>>(Type.Object({})))),
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
  vnic_type: Type.Optional(vnicType),
  profile: Type.Optional(kinds.orNull(Type.Object({}))),
  ...kinds.owner,
})
export const updateBinding = closed({
  host: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  vnic_type: Type.Optional(vnicType),
  profile: Type.Optional(kinds.orNull(Type.Object({}))),
})

const vifDetails = closed({ port_filter: Type.Optional(shown.boolean), connectivity: Type.Optional(shown.text) })
const profile = Type.Record(shown.text, Type.Unknown())

/** What floating IPs show of their port, too. */
export const portFacts = {
  network_id: shown.text,
  mac_address: shown.text,
  admin_state_up: shown.boolean,
  status: shown.text,
  device_id: shown.text,
  device_owner: shown.text,
}

export const portAnswer = closed({
  ...standardFields,
  ...portFacts,
  fixed_ips: Type.Array(shown.address),
  port_security_enabled: shown.boolean,
  security_groups: shown.texts,
  allowed_address_pairs: Type.Array(closed({ ip_address: shown.text, mac_address: shown.text })),
  extra_dhcp_opts: Type.Array(closed({ opt_name: shown.text, opt_value: shown.text, ip_version: shown.integer })),
  dns_name: shown.text,
  dns_assignment: Type.Array(closed({ hostname: shown.text, fqdn: shown.text, ip_address: shown.text })),
  'binding:vnic_type': shown.text,
  'binding:host_id': shown.text,
  'binding:vif_type': shown.text,
  'binding:vif_details': vifDetails,
  'binding:profile': profile,
})

export const bindingAnswer = closed({
  host: shown.text,
  vif_type: shown.text,
  vif_details: vifDetails,
  vnic_type: shown.text,
  profile,
  status: Type.Enum(['ACTIVE', 'INACTIVE']),
})
