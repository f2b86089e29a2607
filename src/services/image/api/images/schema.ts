/** The image schema: validates bodies and is served at /v2/schemas, where clients read which attributes are base ones. */
import { findProblem } from '../../../../platform/http/schema.ts'
import type { ImageConfig } from '../../config.ts'
import { InvalidImage } from '../../errors.ts'

type Schema = Record<string, unknown>

const uuid = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'
const statuses = [
  'queued',
  'saving',
  'active',
  'killed',
  'deleted',
  'uploading',
  'importing',
  'pending_delete',
  'deactivated',
]
const text = (description: string, more: Schema = {}): Schema => ({ type: 'string', description, ...more })
const nullable = (type: string, description: string, more: Schema = {}): Schema => ({
  type: ['null', type],
  description,
  ...more,
})
const readOnly = { readOnly: true }

/** Attributes that only the service sets, as JSON patch knows them. */
export const readOnlyNames: readonly string[] = [
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'size',
  'virtual_size',
  'direct_url',
  'self',
  'file',
  'schema',
  'id',
  'os_hash_algo',
  'os_hash_value',
  'stores',
]
/** Attributes that a new image may not have. */
export const refusedAtCreation: readonly string[] = readOnlyNames.filter((name) => name !== 'id')

/** Names that no custom property may have. */
export const isReserved = (name: string): boolean =>
  ['location', 'deleted', 'deleted_at'].includes(name) || name.startsWith('os_glance')

export const writableNames = [
  'id',
  'name',
  'visibility',
  'protected',
  'os_hidden',
  'owner',
  'disk_format',
  'container_format',
  'min_ram',
  'min_disk',
  'tags',
] as const
export type Writable = (typeof writableNames)[number]
export const isWritable = (name: string): name is Writable => (writableNames as readonly string[]).includes(name)

const locations: Schema = {
  type: 'array',
  description: 'Where the data is, outside of this service',
  items: {
    type: 'object',
    required: ['url', 'metadata'],
    properties: {
      url: { type: 'string', maxLength: 255 },
      metadata: { type: 'object' },
      validation_data: {
        type: 'object',
        description: 'What the data is known to be',
        writeOnly: true,
        additionalProperties: false,
        required: ['os_hash_algo', 'os_hash_value'],
        properties: {
          checksum: { type: 'string', minLength: 32, maxLength: 32 },
          os_hash_algo: { type: 'string', maxLength: 64 },
          os_hash_value: { type: 'string', maxLength: 128 },
        },
      },
    },
  },
}

/** Custom properties that clients commonly set, with what they mean. */
const wellKnown: Record<string, Schema> = {
  kernel_id: nullable('string', 'Image of the kernel, for machine images of Amazon kind', { pattern: uuid }),
  ramdisk_id: nullable('string', 'Image of the ramdisk, for machine images of Amazon kind', { pattern: uuid }),
  instance_uuid: text('Server that this image is a snapshot of'),
  architecture: text('Processor architecture'),
  os_distro: text('Name of the operating system'),
  os_version: text('Version of the operating system'),
}

const propertiesOf = (config: ImageConfig): Record<string, Schema> => ({
  id: text('Identifies the image', { pattern: uuid }),
  name: nullable('string', 'Name of the image', { maxLength: 255 }),
  status: text('State of the image', { ...readOnly, enum: statuses }),
  visibility: text('Who may see the image', { enum: ['community', 'public', 'private', 'shared'] }),
  protected: { type: 'boolean', description: 'Keeps the image from being deleted' },
  os_hidden: { type: 'boolean', description: 'Leaves the image out of listings that do not ask for hidden ones' },
  checksum: nullable('string', 'MD5 of the data', { ...readOnly, maxLength: 32 }),
  os_hash_algo: nullable('string', 'Algorithm of os_hash_value', { ...readOnly, maxLength: 64 }),
  os_hash_value: nullable('string', 'Hash of the data, hexadecimal', { ...readOnly, maxLength: 128 }),
  owner: nullable('string', 'Project that owns the image', { maxLength: 255 }),
  size: nullable('integer', 'Bytes of data', readOnly),
  virtual_size: nullable('integer', 'Bytes of the disk that a server sees', readOnly),
  container_format: nullable('string', 'Format around the disk', { enum: [null, ...config.containerFormats] }),
  disk_format: nullable('string', 'Format of the disk', { enum: [null, ...config.diskFormats] }),
  created_at: text('When the image was made', readOnly),
  updated_at: text('When the image was changed last', readOnly),
  tags: { type: 'array', description: 'Words to find the image by', items: { type: 'string', maxLength: 255 } },
  direct_url: text('URL of the data in its store', readOnly),
  min_ram: { type: 'integer', description: 'MiB of memory that a server of this image needs', maximum: 2147483647 },
  min_disk: { type: 'integer', description: 'GiB of disk that a server of this image needs', maximum: 2147483647 },
  self: text('Path of the image', readOnly),
  file: text('Path of its data', readOnly),
  stores: text('Stores that have the data, separated by commas', readOnly),
  schema: text('Path of this schema', readOnly),
  locations,
  ...Object.fromEntries(Object.entries(wellKnown).map(([name, schema]) => [name, { ...schema, is_base: false }])),
})

const known = new WeakMap<ImageConfig, Record<string, Schema>>()
function properties(config: ImageConfig): Record<string, Schema> {
  let found = known.get(config)
  if (!found) known.set(config, (found = propertiesOf(config)))
  return found
}

const anyText = { type: 'string' }

/** Checks one attribute or custom property. Throws InvalidImage. */
export function checkAttribute(config: ImageConfig, name: string, value: unknown) {
  const schemas = properties(config)
  const schema = Object.hasOwn(schemas, name) ? schemas[name]! : anyText
  const problem = findProblem(schema, value)
  if (!problem) {
    if ((name === 'min_disk' || name === 'min_ram') && Number(value) < 0)
      throw new InvalidImage(`Invalid value '${String(value)}' for parameter '${name}': Cannot be a negative value`)
    if (typeof value === 'string' && value.includes('\0'))
      throw new InvalidImage(`Provided object does not match schema 'image': property ${name} has a NUL character`)
    return
  }
  const where = [name, ...problem.path].join('.')
  throw new InvalidImage(`Provided object does not match schema 'image': ${problem.message} for property ${where}`)
}

/** The `image` schema document. */
export const imageSchema = (config: ImageConfig) => ({
  name: 'image',
  properties: properties(config),
  additionalProperties: { type: 'string' },
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
})

export const memberSchema = {
  name: 'member',
  properties: {
    member_id: text('Project that the image is shared with'),
    image_id: text('Identifies the image', { pattern: uuid }),
    created_at: text('When the membership was made'),
    updated_at: text('When the membership was changed last'),
    status: text('What the member thinks of it', { enum: ['pending', 'accepted', 'rejected'] }),
    schema: { type: 'string', readOnly: true },
  },
  additionalProperties: false,
}
