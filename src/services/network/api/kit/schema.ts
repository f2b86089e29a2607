import { Type, type Static, type TArrayOptions, type TProperties, type TSchema } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { badAttribute, badRequest } from '../../errors.ts'
import { formatAddress, parseAddress } from '../../model/address.ts'
import { canonicalMacOf } from '../../model/mac.ts'

const id = Type.String({ minLength: 1, maxLength: 255 })
const uuidForm = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'
const uuid = Type.String({ pattern: uuidForm })
/** The words of oslo's strutils, in any case. */
export const isTrue = (text: string): boolean => /^\s*(1|t|true|on|y|yes)\s*$/i.test(text)
const trueOrFalse =
  '^\\s*([01tTfFyYnN]|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[oO][nN]|[oO][fF][fF]|[yY][eE][sS]|[nN][oO])\\s*$'

/** A number, which neutron also takes as a text; `convert` makes it one. */
const integer = (minimum: number, maximum: number) =>
  Type.Unsafe<number>({
    anyOf: [Type.Integer({ minimum, maximum }), Type.String({ pattern: '^-?\\d{1,10}$' })],
    converts: 'integer',
    minimum,
    maximum,
  })

const orNull = <T extends TSchema>(type: T) => Type.Union([Type.Null(), type])

/** A list, which null stands for when it is empty. */
const list = <T extends TSchema>(item: T, options: TArrayOptions = {}) =>
  Type.Unsafe<Static<T>[]>({ anyOf: [Type.Array(item, options), Type.Null()], converts: 'list' })

/** A text in one form, however it was written; `convert` says what is wrong with it. */
const text = (form: Form, maxLength = 255) => Type.Unsafe<string>({ ...Type.String({ maxLength }), converts: form })

/** Attribute types that neutron's resources share. */
export const kinds = {
  name: Type.String({ maxLength: 255 }),
  /** As in neutron, texts and numbers may say it too; `convert` makes a boolean of them. */
  boolean: Type.Unsafe<boolean>({
    anyOf: [Type.Boolean(), Type.String({ pattern: trueOrFalse }), Type.Enum([0, 1])],
    converts: 'boolean',
  }),
  integer,
  ipVersion: Type.Unsafe<4 | 6>({ enum: [4, 6, '4', '6'], converts: 'integer' }),
  id,
  uuid,
  orNull,
  nullableUuid: orNull(uuid),
  owner: { project_id: Type.Optional(id), tenant_id: Type.Optional(id) },
  nullableText: orNull(Type.String({ maxLength: 255 })),
  list,
  dnsName: text('dns name'),
  /** One that says where a name ends: with a dot. */
  dnsDomain: text('dns domain'),
  mac: text('mac', 32),
  /** IPv6 in its short form. */
  ip: text('ip', 64),
  tags: Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 50, uniqueItems: true }),
  zoneHints: Type.Array(Type.String({ maxLength: 255 }), { uniqueItems: true }),
}

/** An object that takes these attributes only. */
export const closed = <P extends TProperties>(properties: P) => Type.Object(properties, { additionalProperties: false })

type Form = 'dns name' | 'dns domain' | 'mac' | 'ip'
interface Loose {
  converts?: 'boolean' | 'integer' | 'list' | Form
  minimum?: number
  maximum?: number
  properties?: Record<string, Loose>
  items?: Loose
  anyOf?: Loose[]
}

/** Brings what stands for something into its type and its one form. Throws 400 on what has none. */
export function convert<T>(schema: TSchema, value: T): T {
  return converted(schema as Loose, value, 'body') as T
}

function converted(given: Loose, value: unknown, name: string): unknown {
  // Behind "or null" is what it is when it is not null.
  const schema = given.converts ? given : (given.anyOf?.find((each) => each.converts !== undefined) ?? given)
  if (value === null) return schema.converts === 'list' ? [] : value
  if (schema.converts === 'boolean') return typeof value === 'boolean' ? value : isTrue(String(value))
  if (schema.converts === 'integer' && typeof value === 'string') return integerOf(schema, value, name)
  if (typeof value === 'string' && schema.converts !== undefined && schema.converts in formOf)
    return formOf[schema.converts as Form](value, name)
  if (typeof value !== 'object') return value
  const open = schema.anyOf?.find((each) => (Array.isArray(value) ? each.items : each.properties)) ?? schema
  if (Array.isArray(value)) return open.items ? value.map((each) => converted(open.items!, each, name)) : value
  if (!open.properties) return value
  const known = open.properties
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, known[key] ? converted(known[key], each, key) : each]),
  )
}

function integerOf({ minimum = -Infinity, maximum = Infinity }: Loose, text: string, name: string): number {
  const number = Number(text)
  if (number < minimum || number > maximum)
    throw badAttribute(name, `'${text}' is not in range [${minimum}, ${maximum}]`)
  return number
}

const formOf: Record<Form, (text: string, name: string) => string> = {
  mac(text, name) {
    const mac = canonicalMacOf(text)
    if (mac === undefined) throw badAttribute(name, `'${text}' is not a valid MAC address`)
    return mac
  },
  ip(text, name) {
    const address = parseAddress(text)
    if (!address) throw badAttribute(name, `'${text}' is not a valid IP address`)
    return formatAddress(address.version, address.value)
  },
  'dns name'(text, name) {
    const problem = text === '' ? undefined : dnsProblem(text)
    if (problem !== undefined) throw badAttribute(name, `'${text}' not a valid PQDN or FQDN. Reason: ${problem}`)
    return text.toLowerCase()
  },
  'dns domain'(text, name) {
    if (text !== '' && !text.endsWith('.')) throw badAttribute(name, `'${text}' is not a FQDN`)
    return formOf['dns name'](text, name)
  },
}

/** Labels of letters, digits and hyphens: they end up in the files of dnsmasq. */
function dnsProblem(text: string): string | undefined {
  const labels = text.replace(/\.$/, '').split('.')
  for (const label of labels) {
    if (label === '') return 'Encountered an empty component'
    if (/^-|-$/.test(label)) return `Name '${label}' must not start or end with a hyphen`
    if (!/^[A-Za-z0-9-]{1,63}$/.test(label))
      return `Name '${label}' must be 1-63 characters long, each of which can only be alphanumeric or a hyphen`
  }
  const top = labels.at(-1) ?? ''
  return labels.length > 1 && /^\d+$/.test(top) ? `TLD '${top}' must not be all numeric` : undefined
}

/** The project that a new resource belongs to; only services and administrators name another one than their own. */
export function ownerOf(ctx: Context, input: { project_id?: string; tenant_id?: string }): string {
  if (input.project_id !== undefined && input.tenant_id !== undefined && input.project_id !== input.tenant_id)
    throw badRequest('HTTPBadRequest', "'project_id' and 'tenant_id' do not match")
  const asked = input.project_id ?? input.tenant_id
  if (asked === undefined && ctx.projectId === null)
    throw badRequest('HTTPBadRequest', 'Running without keystone AuthN requires that project_id is specified')
  if (asked === undefined || asked === ctx.projectId) return ctx.projectId ?? ''
  if (!ctx.isAdmin && !ctx.roles.includes('service') && !ctx.roles.includes('advsvc'))
    throw badRequest(
      'HTTPBadRequest',
      "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges",
    )
  return asked
}
