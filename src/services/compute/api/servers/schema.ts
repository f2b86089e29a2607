/** Bodies of servers and their actions. Source: nova/api/openstack/compute/schemas/servers.py. */
import { Type, type TProperties, type TSchema } from 'typebox'
import { bodies } from '../../../../platform/http/schema.ts'
import {
  boolean,
  description,
  fqdn,
  hostname,
  integer,
  ipAddress,
  maxInt,
  metadata,
  name,
  positiveInteger,
  strict,
  tag,
  uuid,
} from '../parameter-types.ts'

const optional = Type.Optional
const text = (maxLength: number) => Type.String({ maxLength })
const nullable = <T>(schema: TSchema) => Type.Unsafe<T | null>({ ...schema, type: ['string', 'null'] })
const listed = <P extends TProperties>(properties: P) => Type.Array(Type.Object(properties, strict))

const network = { fixed_ip: optional(ipAddress), port: optional(nullable<string>(uuid)), uuid: optional(Type.String()) }
const exactNetwork = { ...network, uuid: optional(uuid) }
const taggedNetwork = { ...exactNetwork, tag: optional(tag) }
const orWord = <T extends TSchema>(list: T) => Type.Union([list, Type.Literal('none'), Type.Literal('auto')])

/** As before block_device_mapping_v2; newer items may have these properties, too. */
const oldDevice = {
  virtual_name: optional(text(255)),
  volume_id: optional(uuid),
  snapshot_id: optional(uuid),
  volume_size: optional(integer(1, maxInt)),
  device_name: optional(Type.String({ minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9._/-]*$' })),
  delete_on_termination: optional(boolean),
  no_device: optional(Type.Unknown()),
  connection_info: optional(Type.String()),
}
const device = {
  ...oldDevice,
  source_type: optional(Type.Enum(['volume', 'image', 'snapshot', 'blank'])),
  uuid: optional(Type.String({ minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9._-]*$' })),
  image_id: optional(uuid),
  destination_type: optional(Type.Enum(['local', 'volume'])),
  guest_format: optional(text(255)),
  device_type: optional(text(255)),
  disk_bus: optional(text(255)),
  boot_index: optional(
    Type.Unsafe<number | string | null>({ type: ['integer', 'string', 'null'], pattern: '^-?[0-9]+$' }),
  ),
}
const taggedDevice = { ...device, tag: optional(tag) }
const typedDevice = {
  ...taggedDevice,
  volume_type: optional(Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 255 })),
}
const devices = <P extends TProperties>(properties: P) => ({ block_device_mapping_v2: optional(listed(properties)) })

const common = {
  name,
  imageRef: optional(Type.Unsafe<string>({ oneOf: [uuid, text(0)] })),
  flavorRef: Type.Unsafe<string | number>({ type: ['string', 'integer'], minLength: 1 }),
  adminPass: optional(Type.String()),
  metadata: optional(metadata),
  'OS-DCF:diskConfig': optional(Type.Enum(['AUTO', 'MANUAL'])),
  accessIPv4: optional(Type.String({ format: 'ipv4' })),
  accessIPv6: optional(Type.String({ format: 'ipv6' })),
  availability_zone: optional(name),
  block_device_mapping: optional(listed(oldDevice)),
  config_drive: optional(boolean),
  key_name: optional(name),
  min_count: optional(positiveInteger),
  max_count: optional(positiveInteger),
  return_reservation_id: optional(boolean),
  security_groups: optional(listed({ name: optional(name) })),
  user_data: optional(Type.String({ format: 'base64', maxLength: 65535 })),
}
const personality = {
  personality: optional(
    listed({ path: optional(Type.String()), contents: optional(Type.String({ format: 'base64' })) }),
  ),
}
const described = { description: optional(description) }
const tags = { tags: optional(Type.Array(tag, { maxItems: 50 })) }
const certificates = {
  trusted_image_certificates: optional(
    Type.Unsafe<string[] | null>({
      type: ['array', 'null'],
      minItems: 1,
      maxItems: 50,
      uniqueItems: true,
      items: Type.String({ minLength: 1 }),
    }),
  ),
}
const hosts = { host: optional(fqdn), hypervisor_hostname: optional(fqdn) }

const oneOrMany = Type.Unsafe<string | string[]>({ oneOf: [uuid, Type.Array(uuid)] })
const textOrMany = (items: TSchema) => Type.Unsafe<string | string[]>({ type: ['string', 'array'], items })
const hints = Type.Object({
  group: optional(oneOrMany),
  different_host: optional(oneOrMany),
  same_host: optional(textOrMany(uuid)),
  query: optional(Type.Unsafe<unknown>({ type: ['string', 'object'] })),
  target_cell: optional(name),
  different_cell: optional(textOrMany(Type.String())),
  build_near_host_ip: optional(ipAddress),
  cidr: optional(Type.String({ pattern: '^/[0-9a-f.:]+$' })),
})

const body = <P extends TProperties>(properties: P) =>
  Type.Object(
    {
      server: Type.Object(properties, strict),
      'os:scheduler_hints': optional(hints),
      'OS-SCH-HNT:scheduler_hints': optional(hints),
    },
    strict,
  )

const old = { ...common, ...personality, ...devices(device), networks: optional(listed(network)) }
const tagged = { ...old, ...described, networks: optional(listed({ ...network, tag: optional(tag) })) }
const named = { ...old, ...described, networks: orWord(listed(exactNetwork)) }
const retagged = { ...named, ...devices(taggedDevice), networks: orWord(listed(taggedNetwork)) }
const labelled = { ...retagged, ...tags }
const { personality: _files, ...plain } = labelled
const typed = { ...plain, ...certificates, ...devices(typedDevice) }
const placed = { ...typed, ...hosts }
const newest = { ...placed, hostname: optional(fqdn) }

// A device's tag was accepted by 2.32 alone at first, a network's until 2.36: history that is part of the contract.
export const createBody = bodies(
  body({ ...newest, ...personality, networks: optional(orWord(listed(taggedNetwork))) }),
  [
    ['initial', body(old)],
    ['server-description', body({ ...old, ...described })],
    ['device-tags', body({ ...tagged, ...devices(taggedDevice) })],
    ['hypervisor-paging', body(tagged)],
    ['network-auto', body(named)],
    ['device-tags-again', body(retagged)],
    ['server-create-tags', body(labelled)],
    ['no-personality', body(plain)],
    ['trusted-certificates', body({ ...plain, ...certificates })],
    ['bdm-volume-type', body(typed)],
    ['server-create-host', body(placed)],
    ['server-hostname', body({ ...placed, hostname: optional(hostname) })],
    ['server-hostname-fqdn', body(newest)],
  ],
)

const change = {
  name: optional(name),
  'OS-DCF:diskConfig': common['OS-DCF:diskConfig'],
  accessIPv4: common.accessIPv4,
  accessIPv6: common.accessIPv6,
}
const updateOf = <P extends TProperties>(properties: P) =>
  Type.Object({ server: Type.Object(properties, strict) }, strict)
const fullChange = { ...change, ...described, hostname: optional(fqdn) }
export const updateBody = bodies(updateOf(fullChange), [
  ['initial', updateOf(change)],
  ['server-description', updateOf({ ...change, ...described })],
  ['server-hostname', updateOf({ ...fullChange, hostname: optional(hostname) })],
  ['server-hostname-fqdn', updateOf(fullChange)],
])

/** Which action it is says the body's one key; each has its own schema. */
export const actionBody = Type.Record(Type.String(), Type.Unknown(), { minProperties: 1, maxProperties: 1 })
export const rebootBody = Type.Object({ type: Type.Enum(['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']) }, strict)
export const lockBody = bodies(Type.Unknown(), [
  ['initial', Type.Unknown()],
  [
    'server-locked-reason',
    Type.Unsafe<object | null>({
      type: ['object', 'null'],
      properties: { locked_reason: Type.String({ minLength: 1, maxLength: 255 }) },
      additionalProperties: false,
    }),
  ],
])
export const consoleOutputBody = Type.Object(
  {
    length: optional(Type.Unsafe<number | string | null>({ ...integer(-1), type: ['integer', 'string', 'null'] })),
  },
  strict,
)
export const vncBody = Type.Object({ type: Type.Enum(['novnc', 'xvpvnc']) }, strict)
export const resetBody = Type.Object({ state: Type.Enum(['active', 'error']) }, strict)

const remoteConsole = (protocols: string[], types: string[]) =>
  Type.Object(
    { remote_console: Type.Object({ protocol: Type.Enum(protocols), type: Type.Enum(types) }, strict) },
    strict,
  )
const protocols = ['vnc', 'spice', 'serial', 'rdp']
const types = ['novnc', 'xvpvnc', 'spice-html5', 'serial', 'rdp-html5']
const withMks = remoteConsole([...protocols, 'mks'], [...types, 'webmks'])
export const remoteConsoleBody = bodies(withMks, [
  ['remote-consoles', remoteConsole(protocols, types)],
  ['console-mks', withMks],
])
