/** A page of names of an account or a container, with those below a delimiter rolled up. */
import { reserved } from '../../model/names.ts'

export interface ListingOptions {
  readonly limit: number
  readonly marker?: string | undefined
  readonly endMarker?: string | undefined
  readonly prefix?: string | undefined
  readonly delimiter?: string | undefined
  /** Only what is directly in this folder. */
  readonly path?: string | undefined
  readonly isReverse?: boolean
  /** With names that are the cluster's own. */
  readonly withReserved?: boolean
}

/** Reads rows by name; `from` and `below` are bounds, `isFromIncluded` tells whether the first is. */
export type ReadRows<Row> = (bounds: {
  from: string
  isFromIncluded: boolean
  below: string | undefined
  isReverse: boolean
  limit: number
}) => Iterable<Row>

export type Listed<Row> = Row | { subdir: string }

/** Names in the order of their bytes. */
const isBefore = (a: string, b: string): boolean => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0

/** The first name behind all that begin with `text`. */
function behind(text: string): string {
  const points = [...text]
  const last = points.pop()!.codePointAt(0)!
  // There is nothing between the surrogates in UTF-8.
  return points.join('') + String.fromCodePoint(last === 0xd7ff ? 0xe000 : Math.min(last + 1, 0x10ffff))
}

export function list<Row extends { name: string }>(options: ListingOptions, read: ReadRows<Row>): Listed<Row>[] {
  const { limit, isReverse = false } = options
  const path =
    options.path === undefined ? undefined : options.path === '' ? '' : `${options.path.replace(/\/+$/, '')}/`
  const prefix = path ?? options.prefix ?? ''
  const delimiter = path === undefined ? options.delimiter : '/'
  const [lower = '', upper] = isReverse ? [options.endMarker, options.marker] : [options.marker, options.endMarker]
  let from = lower
  let isFromIncluded = false
  let below = upper || undefined
  const narrow = (name: string) => {
    if (from === '' || isBefore(from, name)) {
      from = name
      isFromIncluded = true
    }
  }
  if (prefix !== '') {
    narrow(prefix)
    const end = behind(prefix)
    if (below === undefined || isBefore(end, below)) below = end
  }
  if (!options.withReserved) narrow(String.fromCharCode(reserved.charCodeAt(0) + 1))

  const found: Listed<Row>[] = []
  while (found.length < limit) {
    const rows = read({ from, isFromIncluded, below, isReverse, limit: limit - found.length })
    let seen = 0
    let hasJumped = false
    for (const row of rows) {
      seen++
      const { name } = row
      if (isReverse) below = name
      else {
        from = name
        isFromIncluded = false
      }
      const at = delimiter ? name.indexOf(delimiter, prefix.length) : -1
      if (at < 0 || !delimiter) {
        if (path === undefined || name !== path) found.push(row)
        continue
      }
      const folder = name.slice(0, at + delimiter.length)
      // With a path the object that is named like a folder is listed, and nothing in the folder.
      if (path !== undefined && name === folder) {
        if (name !== path) found.push(row)
        continue
      }
      if (path === undefined && folder !== lower) found.push({ subdir: folder })
      if (isReverse) below = folder
      else {
        from = behind(folder)
        isFromIncluded = true
      }
      hasJumped = true
      break
    }
    if (seen === 0 || !hasJumped) break
  }
  return found
}
