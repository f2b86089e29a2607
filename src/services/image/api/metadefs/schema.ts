/** JSON schemas of metadata definitions: bodies are checked by them and clients can read them. */
import { findProblem } from '../../../../platform/http/schema.ts'
import { ImageForbidden, InvalidImage } from '../../errors.ts'
import type { AssociationDefinition, NamespaceDefinition, ObjectDefinition } from '../../operations/metadefs.ts'

type Schema = Record<string, unknown>

const text = (description: string, maxLength?: number): Schema => ({
  type: 'string',
  description,
  ...(maxLength !== undefined && { maxLength }),
})
const time = (description: string): Schema => ({ type: 'string', readOnly: true, description, format: 'date-time' })
const generated: Schema = { type: 'string', readOnly: true }
const types = ['array', 'boolean', 'integer', 'number', 'object', 'string', null]
const count = { $ref: '#/definitions/positiveInteger' }
const countOrNone = { $ref: '#/definitions/positiveIntegerDefault0' }
const strings = { $ref: '#/definitions/stringArray' }
const propertiesRef = { $ref: '#/definitions/property' }

const propertyFields: Schema = {
  name: text('Name of the property', 80),
  title: text('Short name for people'),
  description: text('What the property means'),
  operators: { type: 'array', items: { type: 'string' } },
  type: { type: 'string', enum: types },
  required: strings,
  minimum: { type: 'number' },
  maximum: { type: 'number' },
  maxLength: count,
  minLength: countOrNone,
  pattern: { type: 'string' },
  enum: { type: 'array' },
  readonly: { type: 'boolean' },
  default: {},
  items: { type: 'object', properties: { type: { type: 'string', enum: types }, enum: { type: 'array' } } },
  maxItems: count,
  minItems: countOrNone,
  uniqueItems: { type: 'boolean', default: false },
  additionalItems: { type: 'boolean' },
}

const definitions: Schema = {
  positiveInteger: { type: 'integer', minimum: 0 },
  positiveIntegerDefault0: { allOf: [count, { default: 0 }] },
  stringArray: { type: 'array', items: { type: 'string' }, uniqueItems: true },
  property: {
    type: 'object',
    additionalProperties: { type: 'object', required: ['title', 'type'], properties: propertyFields },
  },
}

const tagItem: Schema = {
  type: 'object',
  properties: { name: { type: 'string', maxLength: 80 } },
  required: ['name'],
  additionalProperties: false,
}

/** By the name that messages give them. */
export const schemas = {
  namespace: {
    name: 'namespace',
    definitions,
    required: ['namespace'],
    properties: {
      namespace: { ...text('Unique name', 80), minLength: 1 },
      display_name: text('Name for people', 80),
      description: text('What the definitions are about', 500),
      visibility: { ...text('Who may see it'), enum: ['public', 'private'] },
      protected: { type: 'boolean', description: 'Keeps the namespace and all in it from being deleted' },
      owner: text('Project that owns it', 255),
      created_at: time('When it was made'),
      updated_at: time('When it was changed last'),
      schema: generated,
      self: generated,
      resource_type_associations: {
        type: 'array',
        items: {
          type: 'object',
          required: ['name'],
          properties: {
            name: { type: 'string', maxLength: 80 },
            prefix: { type: 'string', maxLength: 80 },
            properties_target: { type: 'string', maxLength: 80 },
          },
        },
      },
      properties: propertiesRef,
      objects: {
        type: 'array',
        items: {
          type: 'object',
          required: ['name'],
          properties: {
            name: { type: 'string', maxLength: 80 },
            description: { type: 'string' },
            required: strings,
            properties: propertiesRef,
          },
        },
      },
      tags: { type: 'array', items: { type: 'object', required: ['name'], properties: tagItem['properties'] } },
    },
    additionalProperties: false,
  },
  object: {
    name: 'object',
    definitions,
    required: ['name'],
    properties: {
      name: { ...text('Name of the object', 80), minLength: 1 },
      description: text('What the object is'),
      required: strings,
      properties: propertiesRef,
      schema: generated,
      self: generated,
      created_at: time('When it was made'),
      updated_at: time('When it was changed last'),
    },
    additionalProperties: false,
  },
  property: {
    name: 'property',
    definitions,
    required: ['type', 'title', 'name'],
    properties: propertyFields,
    additionalProperties: false,
  },
  tag: {
    name: 'tag',
    required: ['name'],
    properties: {
      name: { ...text('Name of the tag', 80), minLength: 1 },
      created_at: time('When it was made'),
      updated_at: time('When it was changed last'),
    },
    additionalProperties: false,
  },
  tags: { name: 'tags', properties: { tags: { type: 'array', items: tagItem } }, additionalProperties: false },
  resource_type_association: {
    name: 'resource_type_association',
    required: ['name'],
    properties: {
      name: { ...text("Resource type, in heat's words where it has one", 80), minLength: 1 },
      prefix: text('Goes before each property name on resources of that type, separator included', 80),
      properties_target: text('Which of several kinds of metadata of the type is meant', 80),
      created_at: time('When it was made'),
      updated_at: time('When it was changed last'),
    },
    additionalProperties: false,
  },
} as const

/** What a body that meets its schema is. */
interface Bodies {
  namespace: NamespaceDefinition
  object: ObjectDefinition
  property: Record<string, unknown> & { name: string }
  resource_type_association: AssociationDefinition
  tag: { name: string }
  tags: { tags?: { name: string }[] }
}

/** The body, as what it is. Throws ImageForbidden on what only the service sets, InvalidImage on what the schema refuses. */
export function checkBody<Name extends keyof Bodies>(name: Name, body: unknown): Bodies[Name] {
  const schema = schemas[name]
  if (typeof body === 'object' && body !== null) {
    const readOnly = ['self', 'schema', 'created_at', 'updated_at'].find((key) => Object.hasOwn(body, key))
    if (readOnly !== undefined && readOnly in schema.properties)
      throw new ImageForbidden(`Attribute '${readOnly}' is read-only.`)
  }
  const problem = findProblem({ type: 'object', ...schema }, body)
  if (!problem) return body as Bodies[Name]
  const where = problem.path.length > 0 ? ` for property ${problem.path.join('.')}` : ''
  throw new InvalidImage(`Provided object does not match schema '${schema.name}': ${problem.message}${where}`)
}

const listOf = (name: string, item: object) => {
  const { definitions: shared, ...one } = item as { definitions?: object }
  return {
    name,
    ...(shared && { definitions: shared }),
    properties: {
      [name]: { type: 'array', items: one },
      first: { type: 'string' },
      next: { type: 'string' },
      schema: { type: 'string' },
    },
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  }
}

/** What GET /v2/schemas/metadefs/… answers. */
export const metadefDocuments = {
  namespace: schemas.namespace,
  namespaces: listOf('namespaces', schemas.namespace),
  resource_type: schemas.resource_type_association,
  resource_types: listOf('resource_type_associations', schemas.resource_type_association),
  property: schemas.property,
  properties: {
    name: 'properties',
    definitions,
    properties: { properties: propertiesRef },
  },
  object: schemas.object,
  objects: listOf('objects', schemas.object),
  tag: schemas.tag,
  tags: listOf('tags', schemas.tag),
}
