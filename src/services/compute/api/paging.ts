import { last, type Query } from '../../../platform/http/route.ts'
import { Invalid } from '../errors.ts'

/** `limit` within what one page may hold; 0 is an empty page. Throws 400 on what is no count. */
export function limitOf(query: Query, most: number): number {
  const text = last(query, 'limit')
  if (text === undefined) return most
  if (!/^\d+$/.test(text)) throw new Invalid('limit param must be an integer and not negative')
  return Math.min(Number(text), most)
}

/** The page by `limit`, where 0 means the whole, and `offset`: how nova cuts its oldest lists. */
export const offsetOf = (query: Query, most: number): { offset: number; limit: number } => ({
  offset: Number(last(query, 'offset') ?? 0),
  limit: limitOf(query, most) || most,
})

const words = { true: ['1', 't', 'true', 'on', 'y', 'yes'], false: ['0', 'f', 'false', 'off', 'n', 'no'] }

/** A yes or no of a query parameter in any of oslo's words. Throws 400 on others. */
export function flagOf(query: Query, name: string): boolean | undefined {
  const text = last(query, name)
  if (text === undefined) return undefined
  const word = text.trim().toLowerCase()
  if (words.true.includes(word)) return true
  if (words.false.includes(word)) return false
  const known = [...words.true, ...words.false].toSorted().map((each) => `'${each}'`)
  throw new Invalid(
    `Invalid input for query parameters ${name}. Unrecognized value '${text}', acceptable values are: ${known.join(', ')}`,
  )
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
    throw new Invalid(`Invalid input for query parameters ${name}. Value: ${text}. '${text}' is not a 'date-time'`)
  return ms
}
