import { Type, type TProperties } from 'typebox'
import { bodies } from '../../../../platform/http/schema.ts'

export const name = Type.String({ minLength: 1, maxLength: 255, pattern: '^(?! )[^\\u0000-\\u001f\\u007f]*(?<! )$' })
const legacyName = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^[^\\u0000-\\u001f\\u007f]*\\S[^\\u0000-\\u001f\\u007f]*$',
})
const uuid = Type.String({ format: 'uuid' })
const nullable = <T extends ReturnType<typeof Type.String>>(type: T) => Type.Union([Type.Null(), type])
const count = Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: '^[1-9][0-9]*$', minLength: 1 })])
const flag = Type.Union([
  Type.Boolean(),
  Type.String({ pattern: '^(?i:true|on|yes|1|t|y|false|off|no|0|f|n)?$'.replace('(?i:', '(?:') }),
])
export const metadata = Type.Record(
  Type.String({ pattern: '^[a-zA-Z0-9-_:. ]{1,255}$' }),
  Type.String({ maxLength: 255 }),
  { additionalProperties: false },
)
export const tag = Type.String({ minLength: 1, maxLength: 60, pattern: '^[^,/]*$' })
export const deviceTag = Type.String({ minLength: 1, maxLength: 60, pattern: '^[^,/]*$' })
const hostname = (pattern: string, maxLength: number) => Type.String({ minLength: 2, maxLength, pattern })
const plainHostname = hostname('^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$', 63)
const fqdn = hostname('^[a-zA-Z0-9]+[a-zA-Z0-9-.]*[a-zA-Z0-9]+$', 255)

const network = (hasTag: boolean) =>
  Type.Object(
    {
      uuid: Type.Optional(uuid),
      port: Type.Optional(Type.Union([Type.Null(), uuid])),
      fixed_ip: Type.Optional(Type.String({ format: 'ip' })),
      ...(hasTag && { tag: Type.Optional(deviceTag) }),
    } as {
      uuid: ReturnType<typeof Type.Optional<typeof uuid>>
      port: ReturnType<typeof optionalPort>
      fixed_ip: ReturnType<typeof optionalText>
      tag: ReturnType<typeof optionalText>
    },
    { additionalProperties: false },
  )
const optionalPort = () => Type.Optional(Type.Union([Type.Null(), uuid]))
const optionalText = () => Type.Optional(Type.String())

const networkList = (hasTag: boolean) => Type.Array(network(hasTag))
const networksOrWord = Type.Union([networkList(true), Type.Literal('none'), Type.Literal('auto')])

/** Only what this cloud can do: the image to a local disk. */
const blockDevice = Type.Object(
  {
    boot_index: Type.Optional(Type.Union([Type.Null(), Type.Integer(), Type.String({ pattern: '^-?[0-9]+$' })])),
    uuid: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    source_type: Type.String(),
    destination_type: Type.Optional(Type.String()),
    delete_on_termination: Type.Optional(flag),
    device_name: Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 255 })])),
    device_type: Type.Optional(Type.String()),
    disk_bus: Type.Optional(Type.String()),
    guest_format: Type.Optional(Type.Union([Type.Null(), Type.String()])),
    volume_size: Type.Optional(
      Type.Union([Type.Null(), Type.Integer({ minimum: 1 }), Type.String({ pattern: '^[1-9][0-9]*$' })]),
    ),
    tag: Type.Optional(deviceTag),
    volume_type: Type.Optional(Type.Union([Type.Null(), Type.String()])),
    no_device: Type.Optional(flag),
  },
  { additionalProperties: false },
)

const common = {
  name: legacyName,
  imageRef: Type.Optional(Type.Union([uuid, Type.String({ maxLength: 0 }), Type.String({ format: 'uri' })])),
  flavorRef: Type.Union([Type.String({ minLength: 1 }), Type.Integer()]),
  adminPass: Type.Optional(Type.String({ maxLength: 255 })),
  metadata: Type.Optional(metadata),
  networks: Type.Optional(networksOrWord),
  'OS-DCF:diskConfig': Type.Optional(Type.Union([Type.Literal('AUTO'), Type.Literal('MANUAL')])),
  accessIPv4: Type.Optional(Type.String({ format: 'ipv4' })),
  accessIPv6: Type.Optional(Type.String({ format: 'ipv6' })),
  availability_zone: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  block_device_mapping_v2: Type.Optional(Type.Array(blockDevice)),
  config_drive: Type.Optional(Type.Union([flag, Type.Null()])),
  key_name: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  min_count: Type.Optional(count),
  max_count: Type.Optional(count),
  return_reservation_id: Type.Optional(flag),
  security_groups: Type.Optional(
    Type.Array(Type.Object({ name: Type.String({ minLength: 1, maxLength: 255 }) }, { additionalProperties: false })),
  ),
  user_data: Type.Optional(Type.String({ format: 'base64', maxLength: 65535 })),
}
const description = {
  description: Type.Optional(
    nullable(Type.String({ maxLength: 255, pattern: '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f]*$' })),
  ),
}
const tags = { tags: Type.Optional(Type.Array(tag, { maxItems: 50, uniqueItems: true })) }
const hosts = {
  host: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  hypervisor_hostname: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
}
const everything = { ...common, ...description, ...tags, ...hosts, hostname: Type.Optional(fqdn) }

const hintId = Type.Union([uuid, Type.Array(uuid)])
const hints = Type.Object({
  group: Type.Optional(uuid),
  different_host: Type.Optional(hintId),
  same_host: Type.Optional(hintId),
  query: Type.Optional(Type.Unknown()),
  target_cell: Type.Optional(Type.String()),
})

const body = <P extends TProperties>(properties: P) =>
  Type.Object(
    {
      server: Type.Object(properties, { additionalProperties: false }),
      'os:scheduler_hints': Type.Optional(hints),
      'OS-SCH-HNT:scheduler_hints': Type.Optional(hints),
    },
    { additionalProperties: false },
  )
const old = { ...common, networks: Type.Optional(networkList(false)) }
const taggedOld = { ...common, ...description, networks: Type.Optional(networkList(true)) }

export const createBody = bodies(body(everything), [
  ['initial', body(old)],
  ['server-description', body({ ...old, ...description })],
  ['device-tags', body(taggedOld)],
  ['network-auto', body({ ...common, ...description, networks: networksOrWord })],
  ['server-create-tags', body({ ...common, ...description, ...tags, networks: networksOrWord })],
  ['server-create-host', body({ ...common, ...description, ...tags, ...hosts, networks: networksOrWord })],
  ['server-hostname', body({ ...everything, networks: networksOrWord, hostname: Type.Optional(plainHostname) })],
  ['server-hostname-fqdn', body({ ...everything, networks: networksOrWord })],
])

const change = {
  name: Type.Optional(legacyName),
  'OS-DCF:diskConfig': common['OS-DCF:diskConfig'],
  accessIPv4: Type.Optional(Type.Union([Type.String({ format: 'ipv4' }), Type.String({ maxLength: 0 })])),
  accessIPv6: Type.Optional(Type.Union([Type.String({ format: 'ipv6' }), Type.String({ maxLength: 0 })])),
}
const updateOf = <P extends TProperties>(properties: P) =>
  Type.Object({ server: Type.Object(properties, { additionalProperties: false }) }, { additionalProperties: false })
const fullChange = { ...change, ...description, hostname: Type.Optional(fqdn) }
export const updateBody = bodies(updateOf(fullChange), [
  ['initial', updateOf(change)],
  ['server-description', updateOf({ ...change, ...description })],
  ['server-hostname', updateOf({ ...fullChange, hostname: Type.Optional(plainHostname) })],
  ['server-hostname-fqdn', updateOf(fullChange)],
])

/** Which action it is says the body's one key; each has its own schema. */
export const actionBody = Type.Record(Type.String(), Type.Unknown(), { minProperties: 1, maxProperties: 1 })
export const rebootBody = Type.Object(
  { type: Type.Enum(['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']) },
  { additionalProperties: false },
)
export const lockBody = Type.Union([
  Type.Null(),
  Type.Object(
    { locked_reason: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })) },
    { additionalProperties: false },
  ),
])
export const consoleOutputBody = Type.Object({
  length: Type.Optional(
    Type.Union([Type.Null(), Type.Integer({ minimum: -1 }), Type.String({ pattern: '^-?[0-9]+$' })]),
  ),
})
export const vncBody = Type.Object({ type: Type.Enum(['novnc', 'xvpvnc']) }, { additionalProperties: false })
export const resetBody = Type.Object({ state: Type.Enum(['active', 'error']) }, { additionalProperties: false })
export const remoteConsoleBody = Type.Object(
  {
    remote_console: Type.Object(
      {
        protocol: Type.Enum(['vnc', 'spice', 'rdp', 'serial', 'mks']),
        type: Type.Enum(['novnc', 'xvpvnc', 'spice-html5', 'rdp-html5', 'serial', 'webmks']),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)
