/** A service's API as tables for people: what there is, since when, for whom, and what it answers. */
import type { TSchema } from 'typebox'
import { operationsOf, type Operation } from './operations.ts'
import type { ApiService } from './services.ts'

export function markdownOf(service: ApiService): string {
  const { type, microversions } = service.definition
  const range = microversions ? ` Microversions ${microversions.table.min} to ${microversions.table.max}.` : ''
  const groups = Map.groupBy(operationsOf(service), ({ resource }) => resource)
  const sections = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([resource, operations]) => `## ${resource}\n\n${tableOf(operations)}`)
  return `# The ${type} API

Made from the route tables by \`npm run api-docs\`; the details are in \`openapi/${type}.json\`.${range}

${sections.join('\n\n')}
`
}

function tableOf(operations: readonly Operation[]): string {
  const isVersioned = operations.some(({ range }) => Object.keys(range).length > 0)
  const head = ['method', 'path', ...(isVersioned ? ['versions'] : []), 'policy', 'answers']
  const rows = operations.map((operation) => [
    operation.method,
    `\`${operation.path}\``,
    ...(isVersioned ? [versionsOf(operation)] : []),
    policyOf(operation),
    answersOf(operation),
  ])
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function versionsOf({ range }: Operation): string {
  const { 'min-ver': min, 'max-ver': max } = range
  if (min !== undefined && max !== undefined) return `${min} to ${max}`
  return min !== undefined ? `since ${min}` : max !== undefined ? `until ${max}` : ''
}

const policyOf = ({ policies, isOpen }: Operation): string =>
  policies.length > 0 ? policies.map((name) => `\`${name}\``).join(', ') : isOpen ? 'open' : 'any token'

function answersOf({ answers }: Operation): string {
  const parts = [...answers].map(([status, answer]) => {
    if (answer === null) return String(status)
    if (typeof answer === 'string') return `${status} ${answer}`
    const names = new Set(answer.flatMap(({ schema }) => namesOf(schema)))
    return names.size === 0 ? String(status) : `${status} ${[...names].map((name) => `\`${name}\``).join(', ')}`
  })
  return parts.length === 0 ? 'only refusals' : parts.join('; ')
}

/** Of the whole body: enough to know it by. */
function namesOf(schema: TSchema): string[] {
  const { properties, anyOf } = schema as { properties?: object; anyOf?: TSchema[] }
  const names = properties ? Object.keys(properties) : (anyOf ?? []).flatMap(namesOf)
  return names.length > 6 ? [...names.slice(0, 6), '…'] : names
}
