/**
 * Compares what a service answers, and what it takes, with upstream's description at one microversion: fields
 * that nobody described, fields that are missing, values of the wrong type.
 */
import type { DigestedSchema as Schema } from '../../tools/api/digest.ts'
import { readDigest } from './upstream.ts'

export type { Schema }

export interface Description {
  /** The schemas that an answer with this status may have. */
  answer(method: string, path: string, status: number): Schema[]
  request(method: string, path: string): Schema[]
  resolve(schema: Schema): Schema
}

/** Upstream's description of a service. */
export function readDescription(type: string): Description {
  const { paths, schemas } = readDigest(type)
  const resolve = (schema: Schema): Schema => (schema.$ref === undefined ? schema : resolve(schemas[schema.$ref] ?? {}))
  const all = (given: readonly Schema[] = []) => given.flatMap((schema) => alternatives(resolve(schema), resolve))
  const operation = (method: string, path: string) => paths[path]?.[method.toLowerCase() as 'get']
  return {
    answer: (method, path, status) => all(operation(method, path)?.answers?.[String(status)]),
    request: (method, path) => all(operation(method, path)?.request),
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
