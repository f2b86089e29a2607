/** A service's API as an OpenAPI 3.1 document, with microversions as upstream's generated documents have them. */
import type { TSchema } from 'typebox'
import { mapSchemas, spanOf } from '../../src/platform/http/answers.ts'
import type { VersionTable } from '../../src/platform/http/versions.ts'
import { nameRepeated } from './components.ts'
import { operationsOf, type Operation, type VersionedSchema } from './operations.ts'
import type { ApiService } from './services.ts'
import { isBounded, rangeOf } from './versions.ts'

type Json = Record<string, unknown>

/** Keywords that only the program knows. */
const internal = new Set(['x-span', 'converts', 'textMinimum', 'textMaximum'])

/** The document of a service. */
export function openApiOf(service: ApiService): object {
  const { type, microversions } = service.definition
  const table = microversions?.table
  const paths: Record<string, Json> = {}
  for (const operation of operationsOf(service)) {
    const item = (paths[operation.path] ??= {})
    item[operation.method.toLowerCase()] = viewOperation(operation, table)
  }
  const { document, components } = nameRepeated(paths)
  return {
    openapi: '3.1.0',
    info: {
      title: `Nephos ${type}`,
      version: table?.max ?? '1',
      ...(table && { 'x-openstack': { 'min-ver': table.min, 'max-ver': table.max } }),
    },
    security: [{ token: [] }],
    paths: document,
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } },
      schemas: components,
    },
  }
}

function viewOperation(operation: Operation, table: VersionTable | undefined): Json {
  const { method, path, range, policies, isOpen } = operation
  const parameters = [...pathParameters(path), ...queryParameters(operation, table)]
  const patterns = [...new Set(operation.queries.flatMap(({ schema }) => patternsOf(schema)))]
  return {
    operationId: `${method.toLowerCase()} ${path}`,
    tags: [operation.resource],
    ...(isBounded(range) && { 'x-openstack': range }),
    ...(policies.length > 0 && { 'x-policies': policies }),
    ...(isOpen && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(patterns.length > 0 && { 'x-parameter-patterns': patterns }),
    ...requestBody(operation, table),
    responses: responses(operation, table),
  }
}

const pathParameters = (path: string): Json[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))

const fieldsOf = (schema: TSchema) =>
  schema as { properties?: Record<string, TSchema>; required?: string[]; patternProperties?: object }

const patternsOf = (schema: TSchema): string[] => Object.keys(fieldsOf(schema).patternProperties ?? {})

/** Each parameter once: from the version that brought it to the one that took it, as its last schema says. */
function queryParameters({ queries }: Operation, table: VersionTable | undefined): Json[] {
  const found = new Map<string, Json>()
  for (const [index, { schema }] of queries.entries()) {
    const { properties = {}, required = [] } = fieldsOf(schema)
    for (const [name, each] of Object.entries(properties)) {
      const of = queries.filter((other) => fieldsOf(other.schema).properties?.[name] !== undefined)
      const [min, max] = [of[0]?.range['min-ver'], of.at(-1)?.range['max-ver']]
      const range = { ...(index > 0 && min && { 'min-ver': min }), ...(max && { 'max-ver': max }) }
      const isOfAll = of.length === queries.length
      found.set(name, {
        name,
        in: 'query',
        ...(required.includes(name) && { required: true }),
        ...(!isOfAll && isBounded(range) && { 'x-openstack': range }),
        schema: clean(each, table),
      })
    }
  }
  return [...found.values()]
}

function requestBody({ bodies, uploads }: Operation, table: VersionTable | undefined): Json {
  const content: Json = {}
  for (const type of uploads) content[type] = { schema: {} }
  if (bodies.length > 0) content['application/json'] = { schema: oneOf(bodies, table) }
  return Object.keys(content).length === 0 ? {} : { requestBody: { content } }
}

function responses({ answers }: Operation, table: VersionTable | undefined): Json {
  const entries = [...answers].map(([status, answer]): [string, Json] => {
    if (answer === null) return [String(status), { description: 'No body' }]
    const content =
      typeof answer === 'string' ? { [answer]: {} } : { 'application/json': { schema: oneOf(answer, table) } }
    return [String(status), { description: 'Answer', content }]
  })
  // What is never granted still has to be described by something.
  return entries.length === 0 ? { default: { description: 'Refused' } } : Object.fromEntries(entries)
}

function oneOf(schemas: readonly VersionedSchema[], table: VersionTable | undefined): Json {
  const [only] = schemas
  if (only && schemas.length === 1) return clean(only.schema, table)
  return {
    oneOf: schemas.map(({ schema, range }) => ({ ...clean(schema, table), 'x-openstack': range })),
    'x-openstack': { discriminator: 'microversion' },
  }
}

/** A schema without what only the program knows; fields say between which versions they are there. */
function clean(schema: TSchema, table: VersionTable | undefined): Json {
  const inner = mapSchemas(schema, (each) => clean(each, table) as TSchema) as Json
  const span = spanOf(schema)
  const range = span ? rangeOf(table, span) : {}
  const kept = Object.entries(inner).filter(([key]) => !internal.has(key))
  return { ...Object.fromEntries(kept), ...(isBounded(range) && { 'x-openstack': range }) }
}
