import { last, type Query } from '../../../platform/http/route.ts'
import { BadRequest } from '../errors.ts'

/** `limit` within what one page may hold; 0 means the whole page. Throws 400 on what is no count. */
export function limitOf(query: Query, most: number): number {
  const text = last(query, 'limit')
  if (text === undefined) return most
  if (!/^\d{1,15}$/.test(text)) throw new BadRequest('limit param must be an integer and not negative')
  const limit = Number(text)
  return limit === 0 ? most : Math.min(limit, most)
}

/** A time of a query parameter in milliseconds. */
export function timeOf(query: Query, name: string): number | undefined {
  const text = last(query, name)
  if (text === undefined) return undefined
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/.test(text)
  const ms = /^\d{4}-?\d\d-?\d\d/.test(text)
    ? Date.parse(hasZone ? text.replace(/ (\d\d:?\d\d)$/, '+$1') : `${text}Z`)
    : NaN
  if (Number.isNaN(ms))
    throw new BadRequest(`Invalid input for query parameters ${name}. Value: ${text}. '${text}' is not a 'date-time'`)
  return ms
}
