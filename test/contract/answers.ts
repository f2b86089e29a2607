/**
 * Compares what a service answers, and what it takes, with the schemas of an OpenAPI file at one microversion: fields
 * that nobody described, fields that are missing, values of the wrong type.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export interface Schema {
  type?: string | string[]
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  items?: Schema
  oneOf?: Schema[]
  enum?: unknown[]
  format?: string
  $ref?: string
  'x-openstack'?: { 'min-ver'?: string; 'max-ver'?: string; discriminator?: string; 'action-name'?: string }
}

interface Operation {
  requestBody?: { content?: Record<string, { schema?: Schema }> }
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>
}

export interface Description {
  /** The schemas that an answer with this status may have. */
  answer(method: string, path: string, status: number): Schema[]
  request(method: string, path: string): Schema[]
  resolve(schema: Schema): Schema
}

const folders = ['../shared/reference/openapi', '../../shared/reference/openapi']

/** An OpenAPI file by its name; undefined where the reference files are absent. */
export function readDescription(file: string): Description | undefined {
  const root = join(import.meta.dirname, '../..')
  const found = folders.map((folder) => join(root, folder, file)).find((path) => existsSync(path))
  if (found === undefined) return undefined
  const text = readFileSync(found, 'utf8')
  const { paths, components } = parse(text) as {
    paths: Record<string, Record<string, Operation>>
    components: { schemas: Record<string, Schema> }
  }
  const resolve = (schema: Schema): Schema =>
    schema.$ref ? resolve(components.schemas[schema.$ref.split('/').at(-1)!] ?? {}) : schema
  const schemasOf = (content?: Record<string, { schema?: Schema }>) =>
    Object.values(content ?? {}).flatMap(({ schema }) => (schema ? alternatives(resolve(schema), resolve) : []))
  const operation = (method: string, path: string) => paths[path]?.[method.toLowerCase()]
  return {
    answer: (method, path, status) => schemasOf(operation(method, path)?.responses[String(status)]?.content),
    request: (method, path) => schemasOf(operation(method, path)?.requestBody?.content),
    resolve,
  }
}

const alternatives = (schema: Schema, resolve: (schema: Schema) => Schema): Schema[] =>
  schema.oneOf ? schema.oneOf.flatMap((each) => alternatives(resolve(each), resolve)) : [schema]

const numberOf = (version: string) => Number(version.split('.')[1])

/** Whether a part of a schema is of this microversion. */
export function isOf(schema: Schema, version: string): boolean {
  const { 'min-ver': min, 'max-ver': max } = schema['x-openstack'] ?? {}
  const now = numberOf(version)
  return (min === undefined || now >= numberOf(min)) && (max === undefined || now <= numberOf(max))
}

/** Everything in which a value differs from its schema, as `server.flavor.id is unknown`. */
export function differences(
  description: Description,
  schema: Schema,
  value: unknown,
  version: string,
  path = 'body',
): string[] {
  const { resolve } = description
  const known = resolve(schema)
  if (known.oneOf) {
    const tried = known.oneOf
      .filter((each) => isOf(resolve(each), version))
      .map((each) => differences(description, each, value, version, path))
    return tried.toSorted((a, b) => a.length - b.length)[0] ?? []
  }
  if (!hasType(known, value)) return [`${path} is ${value === null ? 'null' : typeof value}`]
  if (Array.isArray(value)) {
    const items = value.flatMap((each) =>
      known.items ? differences(description, known.items, each, version, `${path}[]`) : [],
    )
    return [...new Set(items)]
  }
  if (typeof value !== 'object' || value === null || !known.properties) return []
  const properties = known.properties
  const missing = Object.keys(properties)
    .filter((name) => isOf(resolve(properties[name]!), version) && !Object.hasOwn(value, name))
    .map((name) => `${path}.${name} is missing`)
  const wrong = Object.entries(value).flatMap(([name, each]) => {
    const described = properties[name]
    if (described && isOf(resolve(described), version))
      return differences(description, described, each, version, `${path}.${name}`)
    const isFree = typeof known.additionalProperties === 'object' || known.patternProperties !== undefined
    return isFree ? [] : [`${path}.${name} is unknown`]
  })
  return [...missing, ...wrong]
}

function hasType({ type }: Schema, value: unknown): boolean {
  if (type === undefined) return true
  const is: Record<string, boolean> = {
    null: value === null,
    array: Array.isArray(value),
    object: typeof value === 'object' && value !== null && !Array.isArray(value),
    integer: Number.isInteger(value),
    number: typeof value === 'number',
    string: typeof value === 'string',
    boolean: typeof value === 'boolean',
  }
  return [type].flat().some((each) => is[each] ?? true)
}
