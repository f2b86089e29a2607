/** Gives a name to every schema that a document has more than once. */

type Json = Record<string, unknown>

/** Shorter ones are no shorter as a reference. */
const least = 120

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Schemas of objects; whatever else is long comes of their fields. */
const isSchema = (value: Json) => value['type'] === 'object' && ('properties' in value || 'patternProperties' in value)

/** The document with references in place of repeated schemas, and the schemas by their names. */
export function nameRepeated(document: Json): { document: Json; components: Json } {
  const counts = new Map<string, number>()
  count(document, counts)
  const names = new Map<string, string>()
  const components: Json = {}
  const replace = (value: unknown, hint: string): unknown => {
    if (Array.isArray(value)) return value.map((each) => replace(each, hint))
    if (!isObject(value)) return value
    const entries = () =>
      Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replace(each, hintOf(key, hint))]))
    const text = JSON.stringify(value)
    if (!isSchema(value) || text.length < least || (counts.get(text) ?? 0) < 2) return entries()
    let name = names.get(text)
    if (name === undefined) {
      name = freeName(hint, new Set(names.values()))
      names.set(text, name)
      components[name] = entries()
    }
    return { $ref: `#/components/schemas/${name}` }
  }
  const replaced = replace(document, 'document') as Json
  const sorted = Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1))
  return { document: replaced, components: Object.fromEntries(sorted) }
}

function count(value: unknown, counts: Map<string, number>): void {
  if (Array.isArray(value)) return value.forEach((each) => count(each, counts))
  if (!isObject(value)) return
  if (isSchema(value)) {
    const text = JSON.stringify(value)
    const known = counts.get(text) ?? 0
    counts.set(text, known + 1)
    if (known > 0) return // what is inside of it is counted with the first
  }
  for (const each of Object.values(value)) count(each, counts)
}

/** Words of JSON Schema and OpenAPI, which say nothing about what is inside. */
const structural = new Set(
  'properties patternProperties additionalProperties items anyOf oneOf allOf schema content responses requestBody'.split(
    ' ',
  ),
)

/** What a schema is called after: the last key that is somebody's own word. */
const hintOf = (key: string, hint: string): string =>
  structural.has(key) || /^\d+$|^application\/|^\^|^(get|put|post|patch|delete|head)$/.test(key) ? hint : key

function freeName(hint: string, taken: ReadonlySet<string>): string {
  const word = hint.replaceAll(/[^A-Za-z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '') || 'schema'
  for (let number = 1; ; number++) {
    const name = number === 1 ? word : `${word}_${number}`
    if (!taken.has(name)) return name
  }
}
