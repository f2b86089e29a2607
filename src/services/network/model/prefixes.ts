/** Sets of addresses written as prefixes: what subnet pools are made of. Pure. */
import { formatPrefix, parsePrefix, type IpVersion, type Prefix } from './address.ts'

interface Range {
  first: bigint
  last: bigint
}

const bitsOf = (version: IpVersion) => (version === 4 ? 32 : 128)

/** Reads prefixes; undefined when one is none or they are of two IP versions. */
export function readPrefixes(texts: readonly string[]): Prefix[] | undefined {
  const prefixes = texts.map(parsePrefix)
  const version = prefixes[0]?.version
  return prefixes.every((each) => each !== undefined && each.version === version) ? (prefixes as Prefix[]) : undefined
}

/** The fewest prefixes that cover the same addresses, in ascending order. */
export const compact = (prefixes: readonly Prefix[]): Prefix[] => {
  const version = prefixes[0]?.version
  return version === undefined ? [] : union(prefixes).flatMap((range) => toPrefixes(version, range))
}

/** What of `prefixes` is not in `taken`. */
export function subtract(prefixes: readonly Prefix[], taken: readonly Prefix[]): Prefix[] {
  const version = prefixes[0]?.version
  if (version === undefined) return []
  const holes = union(taken.filter((each) => each.version === version))
  const left = union(prefixes).flatMap((range) => {
    const parts: Range[] = []
    let from = range.first
    for (const hole of holes) {
      if (hole.last < from || hole.first > range.last) continue
      if (hole.first > from) parts.push({ first: from, last: hole.first - 1n })
      from = hole.last + 1n
    }
    return from <= range.last ? [...parts, { first: from, last: range.last }] : parts
  })
  return left.flatMap((range) => toPrefixes(version, range))
}

/** Whether all addresses of `inner` are in `outer`. */
export const covers = (outer: readonly Prefix[], inner: Prefix): boolean => subtract([inner], outer).length === 0

export const meets = (some: readonly Prefix[], others: readonly Prefix[]): boolean =>
  some.some((a) => others.some((b) => a.version === b.version && a.first <= b.last && b.first <= a.last))

/** The first prefix of this length from the smallest free prefix that has one, so that large ones stay whole. */
export function carve(free: readonly Prefix[], length: number): Prefix | undefined {
  const candidates = free.filter((each) => each.length <= length).toSorted((a, b) => b.length - a.length)
  const [from] = candidates
  if (!from) return undefined
  const size = 1n << BigInt(bitsOf(from.version) - length)
  return { version: from.version, first: from.first, last: from.first + size - 1n, length }
}

export const formatPrefixes = (prefixes: readonly Prefix[]): string[] => prefixes.map(formatPrefix)

function union(prefixes: readonly Prefix[]): Range[] {
  const merged: Range[] = []
  for (const { first, last } of prefixes.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    const before = merged.at(-1)
    if (before && first <= before.last + 1n) before.last = last > before.last ? last : before.last
    else merged.push({ first, last })
  }
  return merged
}

function toPrefixes(version: IpVersion, { first, last }: Range): Prefix[] {
  const bits = bitsOf(version)
  const found: Prefix[] = []
  for (let at = first; at <= last;) {
    let length = bits
    // As large as its start allows and its end lets it be.
    while (length > 0) {
      const size = 1n << BigInt(bits - length + 1)
      if (at % size !== 0n || at + size - 1n > last) break
      length--
    }
    const end = at + (1n << BigInt(bits - length)) - 1n
    found.push({ version, first: at, last: end, length })
    at = end + 1n
  }
  return found
}
