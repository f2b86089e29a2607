/** Small queries that are made again and again are built once. */
import type { Compilable, CompiledQuery, Kysely, QueryResult } from 'kysely'

/** What a query looks like without its values, and these in the order in which it has them. */
export interface Shape {
  shape: string
  values: unknown[]
}

/**
 * Queries that were compiled, by their shape: to build one costs more than to run it. The adapter of an engine is the
 * same in all transactions of a database.
 */
const compiled = new WeakMap<object, Map<string, CompiledQuery>>()
const compiledAtMost = 2000

/** Runs a query, which is built where its shape is new or it has none. */
export function runCompiled(
  db: Kysely<never>,
  known: Shape | undefined,
  build: () => Compilable,
): Promise<QueryResult<object>> {
  if (!known || known.values.some(isExpression)) return db.executeQuery(build().compile() as CompiledQuery<object>)
  const { adapter } = db.getExecutor()
  let queries = compiled.get(adapter)
  if (!queries) compiled.set(adapter, (queries = new Map()))
  const same = queries.get(known.shape)
  if (same) return db.executeQuery({ ...same, parameters: known.values } as CompiledQuery<object>)
  const query = build().compile()
  const { parameters } = query
  const isPlain = parameters.length === known.values.length && parameters.every((each, at) => each === known.values[at])
  if (isPlain && queries.size < compiledAtMost) queries.set(known.shape, query)
  return db.executeQuery(query as CompiledQuery<object>)
}

/** A value that is a piece of SQL: a shape does not tell it. */
const isExpression = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'toOperationNode' in value
