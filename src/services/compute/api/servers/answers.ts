/** How servers are answered. Microversions: nova/api/openstack/compute/views/servers.py. */
import { Type } from 'typebox'
import { exactly, nullable, since, until, type Shown } from '../../../../platform/http/answers.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import { links, number, pageLinks, text, textByName, texts } from '../answers.ts'

const brief = exactly({ id: text, name: text, links })

export const address = exactly({
  version: number,
  addr: text,
  'OS-EXT-IPS:type': Type.Enum(['fixed', 'floating']),
  'OS-EXT-IPS-MAC:mac_addr': text,
})
export const plainAddresses = Type.Record(text, Type.Array(exactly({ version: number, addr: text })))

const embedded = 'server-flavor-embedded'
const flavor = exactly({
  id: until(embedded, text),
  links: until(embedded, links),
  original_name: since(embedded, text),
  vcpus: since(embedded, number),
  ram: since(embedded, number),
  disk: since(embedded, number),
  ephemeral: since(embedded, number),
  swap: since(embedded, number),
  extra_specs: since(embedded, Type.Optional(textByName)),
})
const fault = exactly({ code: number, created: text, message: text, details: Type.Optional(text) })

/** Fields that extensions once added; `PUT` answers them since 2.75 only. */
const extended = 'server-extended-attributes'
const extensions = {
  'OS-EXT-AZ:availability_zone': text,
  config_drive: text,
  key_name: nullable(text),
  'OS-SRV-USG:launched_at': nullable(text),
  'OS-SRV-USG:terminated_at': nullable(text),
  security_groups: Type.Optional(Type.Array(exactly({ name: text }))),
  'OS-EXT-STS:task_state': nullable(text),
  'OS-EXT-STS:vm_state': text,
  'OS-EXT-STS:power_state': number,
  'os-extended-volumes:volumes_attached': Type.Array(Type.Unknown()),
  'OS-EXT-SRV-ATTR:host': Type.Optional(nullable(text)),
  'OS-EXT-SRV-ATTR:hypervisor_hostname': Type.Optional(nullable(text)),
  'OS-EXT-SRV-ATTR:instance_name': Type.Optional(text),
  'OS-EXT-SRV-ATTR:reservation_id': since(extended, Type.Optional(text)),
  'OS-EXT-SRV-ATTR:launch_index': since(extended, Type.Optional(number)),
  /** Everybody's since 2.90. */
  'OS-EXT-SRV-ATTR:hostname': since(extended, Type.Optional(text)),
  'OS-EXT-SRV-ATTR:kernel_id': since(extended, Type.Optional(text)),
  'OS-EXT-SRV-ATTR:ramdisk_id': since(extended, Type.Optional(text)),
  'OS-EXT-SRV-ATTR:root_device_name': since(extended, Type.Optional(nullable(text))),
  'OS-EXT-SRV-ATTR:user_data': since(extended, Type.Optional(nullable(text))),
  host_status: since('server-host-status', Type.Optional(text)),
}
const core = {
  ...brief.properties,
  status: text,
  tenant_id: text,
  user_id: text,
  metadata: textByName,
  hostId: text,
  image: Type.Union([exactly({ id: text, links }), Type.Literal('')]),
  flavor,
  created: text,
  updated: text,
  accessIPv4: text,
  accessIPv6: text,
  'OS-DCF:diskConfig': text,
  progress: Type.Optional(number),
  fault: Type.Optional(fault),
  pinned_availability_zone: since('server-pinned-zone', nullable(text)),
  locked: since('server-locked', Type.Boolean()),
  locked_reason: since('server-locked-reason', nullable(text)),
  description: since('server-description', nullable(text)),
  tags: since('server-tags', texts),
  trusted_image_certificates: since('trusted-certificates', Type.Null()),
}
const detailed = exactly({ ...core, ...extensions, addresses: Type.Record(text, Type.Array(address)) })
export type ShownServer = Shown<typeof detailed>

const groups = { server_groups: since('server-groups-of-server', texts) }
const whole = exactly({ ...detailed.properties, ...groups })
const short = exactly({ ...core, addresses: plainAddresses, ...groups })

export const briefListAnswer = exactly({ servers: Type.Array(brief), servers_links: pageLinks })
export const listAnswer = exactly({ servers: Type.Array(detailed), servers_links: pageLinks })
export const showAnswer = exactly({ server: whole })
/** Before 2.75 nova answered a shorter server to its change. */
export const changedAnswer = bodies(Type.Object({ server: Type.Object({ id: text }) }), [
  ['initial', exactly({ server: short })],
  ['cleanup', showAnswer],
])

/** What was asked for; the reservation instead, where that is wanted. */
export const madeAnswer = Type.Union([
  exactly({
    server: exactly({
      id: text,
      links,
      'OS-DCF:diskConfig': text,
      security_groups: Type.Array(exactly({ name: text })),
      adminPass: Type.Optional(text),
    }),
  }),
  exactly({ reservation_id: text }),
])

/** Most actions answer nothing; two show what they were asked for. */
export const actionAnswers = {
  200: Type.Union([exactly({ output: text }), exactly({ console: exactly({ type: text, url: text }) })]),
  202: null,
} as const
export const remoteConsoleAnswer = exactly({ remote_console: exactly({ protocol: text, type: text, url: text }) })
