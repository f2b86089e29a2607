/**
 * Compares what routes declare to take and to answer with upstream's description, by the names of fields and parameters:
 * what only one of both has. Of what is taken, also what upstream requires. Types are not: upstream's are not sure enough.
 */
import type { TSchema } from 'typebox'
import { answerAt } from '../../src/platform/http/answers.ts'
import type { Route } from '../../src/platform/http/route.ts'
import { schemaAt } from '../../src/platform/http/schema.ts'
import { unversioned, type ApiVersion } from '../../src/platform/http/versions.ts'
import type { DigestedOperation } from '../../tools/api/digest.ts'
import type { ApiService } from '../../tools/api/services.ts'
import { isOf, readDescription, type Description, type Schema } from './answers.ts'
import { readDigest } from './upstream.ts'

interface Own {
  properties?: Record<string, Own>
  patternProperties?: Record<string, Own>
  required?: string[]
  items?: Own
  anyOf?: Own[]
}

/** What the comparison is made with. */
interface Scale {
  description: Description
  version: ApiVersion
  /** Whether what is required is compared too. */
  isStrict: boolean
}

/** Parameters in paths have other names. */
const bare = (path: string) => path.replaceAll(/\{[^}]+\}|:\w+(\([^)]*\))?/g, '*')

/** Every field that only we (`+`) or only upstream (`-`) has, as `GET /v3/users answers + users[].options`. */
export function shapeDifferences({ definition, routes }: ApiService): string[] {
  const { type, basePaths, microversions } = definition
  const table = microversions?.table
  const description = readDescription(type)
  const version = table?.parse('latest') ?? unversioned
  const base = basePaths[0]!
  const own = new Map(
    routes.filter(({ until }) => until === undefined).map((each) => [`${each.method} ${bare(base + each.path)}`, each]),
  )
  const closest = (isStrict: boolean, described: readonly Schema[], declared: Own): string[] => {
    const lines = described.map((each) => compare({ description, version, isStrict }, each, declared))
    return lines.toSorted((a, b) => a.length - b.length)[0] ?? []
  }
  const answers = (route: Route<never>, id: string, status: string): string[] => {
    const declared = answerAt(route, Number(status), version, table)
    if (!declared || typeof declared === 'string') return []
    const [verb = '', path = ''] = id.split(' ')
    return closest(false, description.answer(verb, path, Number(status)), declared as Own)
  }
  return Object.entries(readDigest(type).paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([verb, operation]) => {
      const id = `${verb.toUpperCase()} ${path}`
      const route = own.get(`${verb.toUpperCase()} ${bare(path)}`)
      if (!route) return []
      const body = schemaAt(route.body, version, table)
      return [
        ...queryDifferences(schemaAt(route.query, version, table), operation).map((line) => `${id} asks ${line}`),
        ...(body ? closest(true, description.request(verb, path), body as Own) : []).map(
          (line) => `${id} takes ${line}`,
        ),
        ...Object.keys(operation.answers ?? {}).flatMap((status) =>
          answers(route, id, status).map((line) => `${id} answers ${line}`),
        ),
      ]
    }),
  )
}

/** Where a query has no schema its names are checked otherwise. */
function queryDifferences(schema: TSchema | undefined, { query = [] }: DigestedOperation): string[] {
  if (!schema) return []
  const { properties = {}, patternProperties = {} } = schema as Own
  const patterns = Object.keys(patternProperties).map((pattern) => new RegExp(pattern, 'u'))
  const missing = query.filter((name) => !Object.hasOwn(properties, name) && !patterns.some((each) => each.test(name)))
  const further = Object.keys(properties).filter((name) => !query.includes(name))
  return [...further.map((name) => `+ ${name}`), ...missing.map((name) => `- ${name}`)]
}

/** Where one of both says nothing of fields, nothing differs. */
function compare(scale: Scale, upstream: Schema, own: Own, place = ''): string[] {
  const known = scale.description.resolve(upstream)
  const alternatives = own.anyOf?.filter((each) => each.properties ?? each.items)
  const declared = alternatives?.length === 1 ? alternatives[0]! : own
  if (known.items && declared.items) return compare(scale, known.items, declared.items, `${place}[]`)
  const theirs = known.properties
  const ours = declared.properties
  // An object without fields of its own takes any: its handler looks at them.
  if (!theirs || !ours || Object.keys(ours).length === 0) return []
  const inForce = Object.keys(theirs).filter((name) =>
    isOf(scale.description.resolve(theirs[name]!), scale.version.text),
  )
  const at = (name: string) => (place === '' ? name : `${place}.${name}`)
  const inBoth = inForce.filter((name) => Object.hasOwn(ours, name))
  // What upstream's descriptions do not call required often is; the other way round is a difference.
  const needless = inBoth.filter(
    (name) => scale.isStrict && known.required?.includes(name) && !declared.required?.includes(name),
  )
  return [
    ...Object.keys(ours).flatMap((name) => (inForce.includes(name) ? [] : [`+ ${at(name)}`])),
    ...inForce.flatMap((name) => (inBoth.includes(name) ? [] : [`- ${at(name)}`])),
    ...needless.map((name) => `need not have ${at(name)}`),
    ...inBoth.flatMap((name) => compare(scale, theirs[name]!, ours[name]!, at(name))),
  ]
}
