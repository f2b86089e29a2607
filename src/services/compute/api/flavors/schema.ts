import { Type } from 'typebox'
import { exactly, nullable, since, type Shown } from '../../../../platform/http/answers.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import { links, number, pageLinks, text as shownText, textByName } from '../answers.ts'
import { boolean, descriptionOf, integer, many, maxInt, name, paging, query, strict, text } from '../parameter-types.ts'

const positive = integer(1, maxInt)
const nonNegative = integer(0, maxInt)
const description = descriptionOf(65_535)
const flavor = {
  name,
  id: Type.Optional(
    Type.Unsafe<string | number | null>({
      type: ['string', 'number', 'null'],
      minLength: 1,
      maxLength: 255,
      pattern: '^(?! )[a-zA-Z0-9. _-]+(?<! )$',
    }),
  ),
  ram: positive,
  vcpus: positive,
  disk: nonNegative,
  'OS-FLV-EXT-DATA:ephemeral': Type.Optional(nonNegative),
  swap: Type.Optional(nonNegative),
  rxtx_factor: Type.Optional(
    Type.Unsafe<number | string>({
      type: ['number', 'string'],
      pattern: '^[0-9]+([.][0-9]+)?$',
      exclusiveMinimum: 0,
      maximum: 3.40282e38,
      textMaximum: 3.40282e38,
    }),
  ),
  'os-flavor-access:is_public': Type.Optional(boolean),
}
const described = { ...flavor, description: Type.Optional(description) }
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

const sortKeys = [
  'created_at',
  'description',
  'disabled',
  'ephemeral_gb',
  'flavorid',
  'id',
  'is_public',
  'memory_mb',
  'name',
  'root_gb',
  'rxtx_factor',
  'swap',
  'updated_at',
  'vcpu_weight',
  'vcpus',
]
export const listQuery = query({
  ...paging,
  is_public: text,
  minRam: text,
  minDisk: text,
  sort_key: many(Type.Enum(sortKeys)),
  sort_dir: many(Type.Enum(['asc', 'desc'])),
})

const brief = exactly({
  id: shownText,
  name: shownText,
  links,
  description: since('flavor-description', nullable(shownText)),
})
const shown = exactly({
  ...brief.properties,
  ram: number,
  disk: number,
  /** No text but a number since 2.75. */
  swap: Type.Union([number, Type.Literal('')]),
  'OS-FLV-EXT-DATA:ephemeral': number,
  'OS-FLV-DISABLED:disabled': Type.Boolean(),
  vcpus: number,
  'os-flavor-access:is_public': Type.Boolean(),
  rxtx_factor: Type.Number(),
  extra_specs: since('flavor-extra-specs', Type.Optional(textByName)),
})
export type ShownFlavor = Shown<typeof shown>

export const flavorAnswer = exactly({ flavor: shown })
export const briefListAnswer = exactly({ flavors: Type.Array(brief), flavors_links: pageLinks })
export const listAnswer = exactly({ flavors: Type.Array(shown), flavors_links: pageLinks })
export const specsAnswer = exactly({ extra_specs: textByName })
export const accessAnswer = exactly({
  flavor_access: Type.Array(exactly({ flavor_id: shownText, tenant_id: shownText })),
})
