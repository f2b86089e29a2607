/** Routes as the operations of an API: one for each method and path, whatever it is at each microversion. */
import type { TSchema } from 'typebox'
import type { MediaType } from '../../src/platform/http/answers.ts'
import type { Route } from '../../src/platform/http/route.ts'
import { isBodies, type Bodies } from '../../src/platform/http/schema.ts'
import type { VersionTable } from '../../src/platform/http/versions.ts'
import type { ApiService } from './services.ts'
import { rangeOf, type VersionRange } from './versions.ts'

/** A schema, and the versions in which it is in force. */
export interface VersionedSchema {
  readonly schema: TSchema
  readonly range: VersionRange
}

export interface Operation {
  readonly method: string
  /** With parameters in braces. */
  readonly path: string
  /** First part of the path that is a name. */
  readonly resource: string
  readonly range: VersionRange
  readonly isOpen: boolean
  readonly policies: readonly string[]
  readonly bodies: readonly VersionedSchema[]
  /** Media types of a body that is not JSON. */
  readonly uploads: readonly string[]
  readonly queries: readonly VersionedSchema[]
  /** By status: schemas, a media type, or null for no body. */
  readonly answers: ReadonlyMap<number, readonly VersionedSchema[] | MediaType | null>
}

const bracedPath = (path: string) => path.replaceAll(/:(\w+)(\([^)]*\))?/g, '{$1}') || '/'

/** The operations of a service, in the order of its routes. */
export function operationsOf({ definition, routes, rootRoutes }: ApiService): Operation[] {
  const table = definition.microversions?.table
  const all = [
    ...rootRoutes.map((route) => ({ base: '', route })),
    ...routes.map((route) => ({ base: definition.basePaths[0]!, route })),
  ]
  const groups = Map.groupBy(all, ({ base, route }) => `${route.method} ${bracedPath(base + route.path)}`)
  return [...groups.values()].map((group) => {
    const [{ base, route }] = group as [(typeof all)[number]]
    const path = bracedPath(base + route.path)
    const variants = group.map((each) => each.route)
    return {
      method: route.method,
      path,
      resource:
        bracedPath(route.path)
          .split('/')
          .find((part) => part !== '' && !part.startsWith('{')) ?? 'versions',
      range: variants.length === 1 ? rangeOf(table, route) : {},
      isOpen: variants.every((each) => each.auth === 'none'),
      policies: [...new Set(variants.flatMap(policiesOf))],
      bodies: variants.flatMap((each) => versioned(each.body, each, table)),
      uploads: variants.flatMap(uploadsOf),
      queries: variants.flatMap((each) => versioned(each.query, each, table)),
      answers: answersOf(variants, table),
    }
  })
}

const policiesOf = ({ policy }: Route<never>): string[] =>
  policy === null ? [] : [policy].flat().map((rule) => ('name' in rule ? rule.name : ''))

function uploadsOf({ stream, method, contentTypes }: Route<never>): readonly string[] {
  if (contentTypes) return contentTypes
  return stream === true && method !== 'GET' ? ['application/octet-stream'] : []
}

function versioned(
  declared: TSchema | Bodies | undefined,
  route: Route<never>,
  table: VersionTable | undefined,
): VersionedSchema[] {
  if (!declared) return []
  if (!isBodies(declared)) return [{ schema: declared, range: rangeOf(table, route) }]
  return declared.steps.map(([since, schema], index) => {
    const until = declared.steps[index + 1]?.[0] ?? route.until
    return { schema, range: rangeOf(table, { since, until }) }
  })
}

const isMediaType = (declared: unknown): declared is MediaType => typeof declared === 'string'

function answersOf(variants: readonly Route<never>[], table: VersionTable | undefined): Operation['answers'] {
  const answers = new Map<number, readonly VersionedSchema[] | MediaType | null>()
  for (const route of variants) {
    for (const [status, declared] of Object.entries(route.answer ?? {})) {
      const known = answers.get(Number(status))
      const before = Array.isArray(known) ? (known as VersionedSchema[]) : []
      if (declared === null || isMediaType(declared)) answers.set(Number(status), declared)
      else answers.set(Number(status), [...before, ...versioned(declared, route, table)])
    }
  }
  return new Map([...answers].sort(([a], [b]) => a - b))
}
