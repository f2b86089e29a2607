import { Type, type TProperties, type TSchema } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { badRequest } from '../../errors.ts'

const id = Type.String({ minLength: 1, maxLength: 255 })
const uuidForm = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'
const uuid = Type.String({ pattern: uuidForm })
const words = { true: ['true', 'True', 'TRUE', '1'], false: ['false', 'False', 'FALSE', '0'] }
/** Labels of letters, digits and hyphens: they end up in the files of dnsmasq. */
const dns = '^$|^(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\\.?$'

/** A number, which neutron also takes as a text; `convert` makes it one. */
const integer = (minimum: number, maximum: number) =>
  Type.Unsafe<number>({
    anyOf: [Type.Integer({ minimum, maximum }), Type.String({ pattern: '^-?\\d{1,10}$' })],
    converts: 'integer',
    minimum,
    maximum,
  })

const orNull = <T extends TSchema>(type: T) => Type.Union([Type.Null(), type])

/** Attribute types that neutron's resources share. */
export const kinds = {
  name: Type.String({ maxLength: 255 }),
  /** As in neutron, texts and numbers may say it too; `convert` makes a boolean of them. */
  boolean: Type.Unsafe<boolean>({
    anyOf: [Type.Boolean(), Type.Enum([...words.true, ...words.false]), Type.Enum([0, 1])],
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
  dnsName: Type.String({ maxLength: 255, pattern: dns }),
  mac: Type.String({ pattern: '^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$' }),
  tags: Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 50, uniqueItems: true }),
  zoneHints: Type.Array(Type.String({ maxLength: 255 }), { uniqueItems: true }),
}

/** An object that takes these attributes only. */
export const closed = <P extends TProperties>(properties: P) => Type.Object(properties, { additionalProperties: false })

interface Loose {
  converts?: 'boolean' | 'integer'
  minimum?: number
  maximum?: number
  properties?: Record<string, Loose>
  items?: Loose
  anyOf?: Loose[]
}

/** Brings texts that stand for booleans and numbers into their types. Throws 400 on a number out of its range. */
export function convert<T>(schema: TSchema, value: T): T {
  return converted(schema as Loose, value, 'body') as T
}

function converted(given: Loose, value: unknown, name: string): unknown {
  // Behind "or null" is what it is when it is not null.
  const schema = given.anyOf?.find((each) => each.converts !== undefined) ?? given
  if (value === null) return value
  if (schema.converts === 'boolean') {
    return typeof value === 'boolean' ? value : words.true.includes(String(value))
  }
  if (schema.converts === 'integer' && typeof value === 'string') {
    const number = Number(value)
    const { minimum = -Infinity, maximum = Infinity } = schema
    if (number < minimum || number > maximum)
      throw badRequest(
        'HTTPBadRequest',
        `Invalid input for ${name}. Reason: '${value}' is not in range [${minimum}, ${maximum}].`,
      )
    return number
  }
  if (typeof value !== 'object') return value
  const open = schema.anyOf?.find((each) => (Array.isArray(value) ? each.items : each.properties)) ?? schema
  if (Array.isArray(value)) return open.items ? value.map((each) => converted(open.items!, each, name)) : value
  if (!open.properties) return value
  const known = open.properties
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, known[key] ? converted(known[key], each, key) : each]),
  )
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
