/** Which bytes a `Range` header asks for. */

export interface Range {
  readonly start: number
  readonly end: number
}

/** Ranges that overlap or go back and forth cost more than they are worth: such headers are refused. */
const most = 50
const mostOverlaps = 2
const mostBackwards = 8

type Spec = readonly [first: number | undefined, last: number | undefined]

/** The header's pairs; undefined where it is none, which is as if it were not there. */
export function parseRanges(header: string | undefined): readonly Spec[] | undefined {
  const list = /^\s*bytes=(.*)$/i.exec(header ?? '')?.[1]
  if (list === undefined) return undefined
  const specs: Spec[] = []
  for (const text of list.split(',')) {
    const pair = /^\s*(\d*)\s*-\s*(\d*)\s*$/.exec(text)
    if (!pair || (pair[1] === '' && pair[2] === '')) return undefined
    const first = pair[1] === '' ? undefined : Number(pair[1])
    const last = pair[2] === '' ? undefined : Number(pair[2])
    if (first !== undefined && last !== undefined && first > last) return undefined
    specs.push([first, last])
  }
  return specs
}

/** The ranges of a body of `size` bytes; none where no byte of it is asked for, or too much is. */
export function rangesWithin(specs: readonly Spec[], size: number): Range[] {
  const found: Range[] = []
  for (const [first, last] of specs) {
    if (first === undefined) {
      if (last !== 0 && size > 0) found.push({ start: Math.max(size - last!, 0), end: size - 1 })
    } else if (first < size) found.push({ start: first, end: Math.min(last ?? size - 1, size - 1) })
  }
  return isReasonable(found) ? found : []
}

function isReasonable(ranges: readonly Range[]): boolean {
  if (ranges.length > most) return false
  const backwards = ranges.filter(({ start }, at) => at > 0 && start < ranges[at - 1]!.start).length
  const sorted = [...ranges].sort((a, b) => a.start - b.start)
  const overlaps = sorted.filter(({ start }, at) => at > 0 && start <= sorted[at - 1]!.end).length
  return backwards <= mostBackwards && overlaps <= mostOverlaps
}
