/** The image schema: validates bodies and is served at /v2/schemas, where clients read which attributes are base ones. */
import { Type } from 'typebox'

const nullable = (schema: ReturnType<typeof Type.String>) => Type.Union([Type.Null(), schema])

export const diskFormats = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop']
export const containerFormats = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed']

const writable = {
  id: Type.String({
    pattern: '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$',
  }),
  name: nullable(Type.String({ maxLength: 255 })),
  visibility: Type.Enum(['community', 'public', 'private', 'shared']),
  protected: Type.Boolean(),
  os_hidden: Type.Boolean(),
  owner: nullable(Type.String({ maxLength: 255 })),
  disk_format: Type.Union([Type.Null(), Type.Enum(diskFormats)]),
  container_format: Type.Union([Type.Null(), Type.Enum(containerFormats)]),
  min_ram: Type.Integer({ minimum: 0, maximum: 2147483647 }),
  min_disk: Type.Integer({ minimum: 0, maximum: 2147483647 }),
  tags: Type.Array(Type.String({ maxLength: 255 })),
}

export type Writable = keyof typeof writable

/** Attributes that only the service sets. */
export const readOnly = [
  'status',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'size',
  'virtual_size',
  'created_at',
  'updated_at',
  'self',
  'file',
  'schema',
  'direct_url',
  'locations',
  'stores',
] as const

export const writableNames = Object.keys(writable) as Writable[]
export const schemaOf = (name: Writable) => writable[name]

export const createBody = Type.Object(
  Object.fromEntries(Object.entries(writable).map(([name, schema]) => [name, Type.Optional(schema)])) as never,
  { additionalProperties: Type.Unknown() },
)

export const patchBody = Type.Array(
  Type.Object({
    op: Type.Enum(['add', 'remove', 'replace']),
    path: Type.String({ minLength: 1 }),
    value: Type.Optional(Type.Unknown()),
  }),
)

const shown = (readOnlyFlag: boolean, schema: object) => ({ ...schema, ...(readOnlyFlag && { readOnly: true }) })

const nullableType = (type: string) => ({ type: ['null', type] })

/** The `image` schema document. */
export const imageSchema = {
  name: 'image',
  properties: {
    ...Object.fromEntries(
      Object.entries(writable).map(([name, schema]) => [
        name,
        shown(false, JSON.parse(JSON.stringify(schema)) as object),
      ]),
    ),
    status: shown(true, {
      type: 'string',
      enum: [
        'queued',
        'saving',
        'active',
        'killed',
        'deleted',
        'uploading',
        'importing',
        'pending_delete',
        'deactivated',
      ],
    }),
    checksum: shown(true, { ...nullableType('string'), maxLength: 32 }),
    os_hash_algo: shown(true, { ...nullableType('string'), maxLength: 64 }),
    os_hash_value: shown(true, { ...nullableType('string'), maxLength: 128 }),
    size: shown(true, nullableType('integer')),
    virtual_size: shown(true, nullableType('integer')),
    created_at: shown(true, { type: 'string' }),
    updated_at: shown(true, { type: 'string' }),
    self: shown(true, { type: 'string' }),
    file: shown(true, { type: 'string' }),
    schema: shown(true, { type: 'string' }),
  },
  additionalProperties: { type: 'string' },
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
}

export const memberSchema = {
  name: 'member',
  properties: {
    member_id: { type: 'string' },
    image_id: { type: 'string' },
    created_at: { type: 'string' },
    updated_at: { type: 'string' },
    status: { type: 'string', enum: ['pending', 'accepted', 'rejected'] },
    schema: { type: 'string', readOnly: true },
  },
}
