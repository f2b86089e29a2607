/** What the contract tests compare of an OpenAPI document: operations and the shapes of bodies, without its texts. */

type Json = Record<string, unknown>

/** Of a schema. */
const kept = new Set([
  '$ref',
  'type',
  'properties',
  'required',
  'patternProperties',
  'additionalProperties',
  'items',
  'oneOf',
  'x-openstack',
])
const verbs = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const

export interface DigestedSchema {
  $ref?: string
  type?: string | string[]
  properties?: Record<string, DigestedSchema>
  required?: string[]
  patternProperties?: Record<string, DigestedSchema>
  additionalProperties?: boolean | DigestedSchema
  items?: DigestedSchema
  oneOf?: DigestedSchema[]
  'x-openstack'?: { 'min-ver'?: string; 'max-ver'?: string; discriminator?: string; 'action-name'?: string }
}

export interface DigestedOperation {
  /** Newest microversion that has it; absent for the newest of all. */
  until?: string
  /** Names of its query parameters. */
  query?: string[]
  request?: DigestedSchema[]
  /** By status. */
  answers?: Record<string, DigestedSchema[]>
}

export interface Digest {
  paths: Record<string, Partial<Record<(typeof verbs)[number], DigestedOperation>>>
  schemas: Record<string, DigestedSchema>
}

/** The digest of a parsed document. */
export function digestOf(document: Json): Digest {
  const { paths, components } = document as {
    paths: Record<string, Json>
    components: { schemas?: Json; parameters?: Record<string, Json> }
  }
  const digest: Digest = { paths: {}, schemas: {} }
  for (const [path, item] of Object.entries(paths)) {
    for (const verb of verbs) {
      const operation = item[verb] as Json | undefined
      if (operation) (digest.paths[path] ??= {})[verb] = digestOperation(operation, components.parameters ?? {})
    }
  }
  addReferenced(digest, components.schemas ?? {})
  return digest
}

function digestOperation(operation: Json, shared: Record<string, Json>): DigestedOperation {
  const until = (operation['x-openstack'] as Json | undefined)?.['max-ver'] as string | undefined
  const parameters = ((operation['parameters'] ?? []) as Json[]).map(
    (each) => (typeof each['$ref'] === 'string' ? shared[lastOf(each['$ref'])] : each) ?? {},
  )
  const query = parameters.filter((each) => each['in'] === 'query').map((each) => String(each['name']))
  const responses = Object.entries(operation['responses'] as Record<string, Json>)
  const answers = responses.flatMap(([status, response]): [string, DigestedSchema[]][] => {
    const schemas = schemasIn(response['content'])
    return status.startsWith('2') && schemas.length > 0 ? [[status, schemas]] : []
  })
  const body = operation['requestBody'] as Json | undefined
  return {
    ...(until !== undefined && { until }),
    ...(query.length > 0 && { query: query.sort() }),
    ...(body && { request: schemasIn(body['content']) }),
    ...(answers.length > 0 && { answers: Object.fromEntries(answers) }),
  }
}

const lastOf = (reference: string) => reference.split('/').at(-1)!

const schemasIn = (content: unknown): DigestedSchema[] =>
  Object.values((content ?? {}) as Record<string, { schema?: Json }>).flatMap(({ schema }) =>
    schema ? [digestSchema(schema)] : [],
  )

/** Properties and patterns are names of schemas, everything else of the kept words is a word of JSON Schema. */
function digestSchema(schema: Json): DigestedSchema {
  const entries = Object.entries(schema).flatMap(([key, value]): [string, unknown][] => {
    if (!kept.has(key)) return []
    if (key === '$ref') return [[key, lastOf(String(value))]]
    if (key === 'properties' || key === 'patternProperties') {
      const inner = Object.entries(value as Record<string, Json>)
      return [[key, Object.fromEntries(inner.map(([name, each]) => [name, digestSchema(each)]))]]
    }
    if (key === 'oneOf') return [[key, (value as Json[]).map(digestSchema)]]
    const isSchema = (key === 'items' || key === 'additionalProperties') && typeof value === 'object'
    return [[key, isSchema ? digestSchema(value as Json) : value]]
  })
  return Object.fromEntries(entries)
}

/** The named schemas that are referred to, and those that these refer to. */
function addReferenced(digest: Digest, all: Json): void {
  const wanted = referencesIn(digest.paths)
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const schema = all[name] as Json | undefined
    if (!schema || Object.hasOwn(digest.schemas, name)) continue
    const digested = digestSchema(schema)
    digest.schemas[name] = digested
    wanted.push(...referencesIn(digested))
  }
  digest.schemas = Object.fromEntries(Object.entries(digest.schemas).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const referencesIn = (value: unknown): string[] =>
  [...JSON.stringify(value).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]!)
