/**
 * Compares what routes declare to answer with upstream's description, by the names of fields: what only one of both has.
 * Names only: of types and of what is always there upstream's documents are not sure enough.
 */
import type { TSchema } from 'typebox'
import { answerAt } from '../../src/platform/http/answers.ts'
import { unversioned } from '../../src/platform/http/versions.ts'
import type { ApiService } from '../../tools/api/services.ts'
import { isOf, readDescription, type Description, type Schema } from './answers.ts'
import { readDigest } from './upstream.ts'

interface Own {
  properties?: Record<string, Own>
  additionalProperties?: boolean | Own
  items?: Own
  anyOf?: Own[]
}

/** Every field that only we (`+`) or only upstream (`-`) has, as `GET /v3/users: + users[].options`. */
export function shapeDifferences({ definition, routes }: ApiService): string[] {
  const { type, basePaths, microversions } = definition
  const description = readDescription(type)
  const version = microversions?.table.parse('latest') ?? unversioned
  const bare = (path: string) => path.replaceAll(/\{[^}]+\}|:\w+(\([^)]*\))?/g, '*')
  const own = new Map(
    routes
      .filter((route) => route.until === undefined)
      .map((route) => [`${route.method} ${bare(basePaths[0]! + route.path)}`, route]),
  )
  return Object.entries(readDigest(type).paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([verb, { answers = {} }]) => {
      const route = own.get(`${verb.toUpperCase()} ${bare(path)}`)
      return Object.keys(answers).flatMap((status) => {
        const declared = route && answerAt(route, Number(status), version, microversions?.table)
        if (!declared || typeof declared === 'string') return []
        const described = description.answer(verb, path, Number(status))
        const lines = described.map((each) => compare(description, each, declared, version.text))
        const closest = lines.toSorted((a, b) => a.length - b.length)[0] ?? []
        return closest.map((line) => `${verb.toUpperCase()} ${path}: ${line}`)
      })
    }),
  )
}

/** What both say of an object; undefined where one says nothing of fields. */
function compare(
  description: Description,
  upstream: Schema,
  own: TSchema | Own,
  version: string,
  place = '',
): string[] {
  const known = description.resolve(upstream)
  const alternatives = (own as Own).anyOf?.filter((each) => each.properties ?? each.items)
  const declared = alternatives?.length === 1 ? alternatives[0]! : (own as Own)
  if (known.items && declared.items) return compare(description, known.items, declared.items, version, `${place}[]`)
  const theirs = known.properties
  const ours = declared.properties
  if (!theirs || !ours) return []
  const inForce = Object.keys(theirs).filter((name) => isOf(description.resolve(theirs[name]!), version))
  const at = (name: string) => (place === '' ? name : `${place}.${name}`)
  return [
    ...Object.keys(ours)
      .filter((name) => !inForce.includes(name))
      .map((name) => `+ ${at(name)}`),
    ...inForce.filter((name) => !Object.hasOwn(ours, name)).map((name) => `- ${at(name)}`),
    ...inForce.flatMap((name) =>
      ours[name] ? compare(description, theirs[name]!, ours[name], version, at(name)) : [],
    ),
  ]
}
