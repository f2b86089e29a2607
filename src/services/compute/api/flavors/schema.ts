import { Type } from 'typebox'
import { bodies } from '../../../../platform/http/schema.ts'

const amount = (minimum: number) =>
  Type.Union([Type.Integer({ minimum, maximum: 0x7fffffff }), Type.String({ pattern: '^[0-9]+$', maxLength: 10 })])
const flag = Type.Union([
  Type.Boolean(),
  Type.String({ pattern: '^(true|True|TRUE|false|False|FALSE|on|off|yes|no|1|0)$' }),
])
const name = Type.String({ minLength: 1, maxLength: 255, pattern: '^(?! )[^\\u0000-\\u001f\\u007f]*\\S(?<! )$' })
const description = Type.Union([Type.Null(), Type.String({ maxLength: 65535 })])
const flavor = {
  name,
  id: Type.Optional(
    Type.Union([
      Type.Null(),
      Type.Integer(),
      Type.String({ minLength: 1, maxLength: 255, pattern: '^(?! )[a-zA-Z0-9. _-]+(?<! )$' }),
    ]),
  ),
  ram: amount(1),
  vcpus: amount(1),
  disk: amount(0),
  'OS-FLV-EXT-DATA:ephemeral': Type.Optional(amount(0)),
  swap: Type.Optional(amount(0)),
  rxtx_factor: Type.Optional(
    Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.String({ pattern: '^[0-9]+([.][0-9]+)?$' })]),
  ),
  'os-flavor-access:is_public': Type.Optional(flag),
}
const described = { ...flavor, description: Type.Optional(description) }
const strict = { additionalProperties: false }
const body = <T extends typeof flavor>(properties: T) =>
  Type.Object({ flavor: Type.Object(properties, strict) }, strict)

export const createBody = bodies(body(described), [
  ['initial', body(flavor)],
  ['flavor-description', body(described)],
])
export const updateBody = Type.Object({ flavor: Type.Object({ description }, strict) }, strict)

const specKey = '^[a-zA-Z0-9-_:. ]{1,255}$'
const specValue = Type.Union([Type.String({ maxLength: 255 }), Type.Number()])
export const specs = Type.Record(Type.String({ pattern: specKey }), specValue, strict)
export const specsBody = Type.Object({ extra_specs: specs }, strict)
export const oneSpecBody = Type.Record(Type.String({ pattern: specKey }), specValue, {
  ...strict,
  minProperties: 1,
  maxProperties: 1,
})

const project = Type.Object({ tenant: Type.String({ minLength: 1, maxLength: 255 }) }, strict)
export const actionBody = Type.Object(
  { addTenantAccess: Type.Optional(project), removeTenantAccess: Type.Optional(project) },
  { ...strict, minProperties: 1, maxProperties: 1 },
)
