/** What a request asks for: its path and query, told apart once for the rules of access, the router and the handlers. */
import { HttpError } from './errors.ts'
import { Invalid } from '../errors.ts'
import type { Query } from './route.ts'

/** Longer than any path of a service, names of 255 characters in percent signs included. */
const longestPath = 4096
/** No route knows so many parameters; each can be a part of a database query. */
const mostNames = 200

/** Splits a request's target. Throws 400 for a fragment, which routers would cut off, and 414 for a path that is too long. */
export function splitTarget(target: string): { path: string; search: string } {
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  if (path.includes('#')) throw new Invalid("The path of a request has no '#'; write %23 for the character.")
  if (path.length > longestPath) throw new HttpError(414, `The path is longer than ${longestPath} characters.`)
  return { path, search: mark < 0 ? '' : target.slice(mark + 1) }
}

/** The parameters of a query; throws 400 when there are too many different ones. */
export function parseQuery(search: string): Query {
  const query: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  if (search === '') return query
  let names = 0
  for (const [name, value] of new URLSearchParams(search)) {
    if (query[name]) query[name].push(value)
    else {
      if (++names > mostNames) throw new Invalid(`The query has more than ${mostNames} different parameters.`)
      query[name] = [value]
    }
  }
  return query
}
