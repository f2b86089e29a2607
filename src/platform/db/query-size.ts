/** Queries that grow with what a request lists: one that no engine would take is the request's fault. */

/** A query with more conditions than an engine takes. */
export class QueryTooLarge extends Error {
  constructor() {
    super('the query has too many conditions')
  }
}

/** Levels of an expression; SQLite takes 1,000. */
const deepest = 900

/** Throws QueryTooLarge for a place in a query that is nested too deep: each condition of a chain is one level more. */
export function requireShallow(levels: number): void {
  if (levels > deepest) throw new QueryTooLarge()
}

/** SQLite's own words; it has one code for all of them. */
const complaints =
  /pattern too complex|Expression tree is too large|too many SQL variables|too many terms|tables in a join/

/** True when the query, by its size, is to blame. */
export const isQueryTooLarge = (error: unknown): boolean =>
  error instanceof QueryTooLarge ||
  ((error as { code?: string }).code === 'ERR_SQLITE_ERROR' && complaints.test((error as Error).message))
