/**
 * Request schemas: compiled at first use on one shared ajv instance (13 ms a schema: 300 at start would be seconds),
 * with error texts in the words of Python's jsonschema, which clients show to their users.
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { isIP, isIPv4, isIPv6 } from 'node:net'
import type { Static, TSchema } from 'typebox'
import { parseRegex } from '../../base/regex-syntax.ts'
import { NotFound } from '../errors.ts'

const ajv = new Ajv2020({ allErrors: false, strict: false, verbose: true, coerceTypes: false, useDefaults: false })
addFormats.default(ajv, {
  mode: 'fast',
  formats: ['date-time', 'uri', 'email', 'uuid', 'base64' as never].slice(0, 4) as never,
})
ajv.addFormat('ipv4', isIPv4)
ajv.addFormat('ipv6', isIPv6)
ajv.addFormat('ip', (text: string) => isIP(text) !== 0)
ajv.addFormat('base64', (text: string) => /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text))

ajv.addFormat('regex', (text: string) => text !== '' && isRegex(text))
// Bounds of numbers that may come as text: JSON Schema's own look at numbers only.
ajv.addKeyword({
  keyword: 'textMinimum',
  type: 'string',
  validate: (least: number, text: string) => Number(text) >= least,
})
ajv.addKeyword({
  keyword: 'textMaximum',
  type: 'string',
  validate: (most: number, text: string) => Number(text) <= most,
})

function isRegex(text: string): boolean {
  try {
    parseRegex(text)
    return true
  } catch {
    return false
  }
}

/** What is wrong with a body or a query, for the service to put into its own sentence. */
export interface Problem {
  /** Where: keys from the root, e.g. `['server', 'networks', '0', 'port']`. */
  path: readonly string[]
  value: unknown
  /** In jsonschema's words: `'x' is a required property`, `'' is too short`. */
  message: string
  /** Which rule it breaks, and where that stands in the schema. */
  keyword: string
  schemaPath: readonly string[]
}

// What oslo's is_uuid_like takes: any case, with or without dashes, braces or `urn:uuid:`.
ajv.addFormat('uuid-like', (text: string) =>
  /^[0-9a-f]{32}$/i.test(text.replaceAll(/urn:|uuid:|[{}]/g, '').replaceAll('-', '')),
)

const compiled = new WeakMap<TSchema, ValidateFunction>()

/** Validates `value`; the first problem, or undefined when it is right. */
export function findProblem(schema: TSchema, value: unknown): Problem | undefined {
  let validate = compiled.get(schema)
  if (!validate) {
    validate = ajv.compile(schema)
    compiled.set(schema, validate)
  }
  if (validate(value)) return undefined
  return toProblem(pick(validate.errors ?? []))
}

/** Of the errors of an `anyOf`/`oneOf` the summary comes last and is what jsonschema reports. */
const pick = (errors: ErrorObject[]): ErrorObject =>
  errors.findLast((error) => error.keyword === 'anyOf' || error.keyword === 'oneOf') ?? errors[0]!

function toProblem(error: ErrorObject): Problem {
  const path = unescapePath(error.instancePath)
  const schemaPath = unescapePath(decodeURIComponent(error.schemaPath)).slice(0, -1)
  return { path, value: error.data, message: messageOf(error), keyword: error.keyword, schemaPath }
}

const unescapePath = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))

function messageOf(error: ErrorObject): string {
  const value = pythonRepr(error.data)
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'required':
      return `'${String(params['missingProperty'])}' is a required property`
    case 'additionalProperties': {
      const patterns = Object.keys((error.parentSchema?.['patternProperties'] as object | undefined) ?? {})
      const name = String(params['additionalProperty'])
      if (patterns.length === 0) return `Additional properties are not allowed ('${name}' was unexpected)`
      return `${pythonRepr(name)} does not match any of the regexes: ${patterns.sort().map(pythonRepr).join(', ')}`
    }
    case 'unevaluatedProperties':
      return `Additional properties are not allowed ('${String(params['unevaluatedProperty'])}' was unexpected)`
    case 'type':
      return `${value} is not of type ${[params['type']]
        .flat()
        .map((type) => `'${String(type)}'`)
        .join(', ')}`
    case 'enum':
      return `${value} is not one of ${pythonRepr(params['allowedValues'])}`
    case 'const':
      return `${pythonRepr(params['allowedValue'])} was expected`
    case 'minLength':
    case 'minItems':
      return `${value} is too short`
    case 'maxLength':
    case 'maxItems':
      return `${value} is too long`
    case 'minimum':
      return `${value} is less than the minimum of ${String(params['limit'])}`
    case 'maximum':
      return `${value} is greater than the maximum of ${String(params['limit'])}`
    case 'textMinimum':
      return `${value} is less than the minimum of ${String(error.schema)}`
    case 'textMaximum':
      return `${value} is greater than the maximum of ${String(error.schema)}`
    case 'pattern':
      return `${value} does not match ${pythonRepr(params['pattern'])}`
    case 'format':
      return `${value} is not a '${String(params['format']).replace('uuid-like', 'uuid')}'`
    case 'uniqueItems':
      return `${value} has non-unique elements`
    case 'minProperties':
      return `${value} does not have enough properties`
    case 'maxProperties':
      return `${value} has too many properties`
    case 'anyOf':
    case 'oneOf':
      return `${value} is not valid under any of the given schemas`
    default:
      return `${value} ${error.message ?? 'is not valid'}`
  }
}

/** Prints a JSON value as Python's repr does, cut at 200 characters. */
export function pythonRepr(value: unknown): string {
  const text = repr(value)
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}

function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'string') return value.includes("'") && !value.includes('"') ? `"${value}"` : `'${value}'`
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, each]) => `${repr(key)}: ${repr(each)}`)
      .join(', ')}}`
  }
  return String(value)
}

/** The bodies of one route through the microversions; `Widest` is the one the handler is typed by. */
export interface Bodies<Widest extends TSchema = TSchema> {
  readonly widest: Widest
  /** Oldest first: the schema from the change of that name on. */
  readonly steps: readonly (readonly [since: string, schema: TSchema])[]
}

/** Declares the bodies of a route by microversion, oldest first. */
export const bodies = <Widest extends TSchema>(
  widest: Widest,
  steps: readonly (readonly [since: string, schema: TSchema])[],
): Bodies<Widest> => ({ widest, steps })

/** The value type of a route's body: of a plain schema or of the widest of several. Nobody knows it without a schema. */
export type BodyOf<B> = B extends Bodies<infer W> ? Static<W> : B extends TSchema ? Static<B> : unknown

/** Whether a schema is declared by microversion. */
export const isBodies = (body: TSchema | Bodies): body is Bodies => 'steps' in body

/** The schema that is in force at a microversion. Throws 404 before the first one. */
export function schemaAt(
  body: TSchema | Bodies | undefined,
  version: { readonly number: number },
  table: { numberOf(name: string): number } | undefined,
): TSchema | undefined {
  if (!body || !isBodies(body)) return body
  const step = body.steps.findLast(([since]) => version.number >= (table?.numberOf(since) ?? 0))
  if (!step) throw new NotFound()
  return step[1]
}
