/** Lists, read by the database in the order of the answer, part by part: between them others have their turn. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PolicyTarget } from '../auth/policy.ts'

/** What policies see of a row. Compared as a method is, so that a resource with rows of one kind is one with any. */
export type TargetOf<R> = { of(row: R): PolicyTarget }['of']

/** Where a list comes from. `R` is a row. */
export interface RowListing<R> {
  /** At most `limit` rows behind `after`, in the order of the list. */
  read(after: R | undefined, limit: number): Promise<R[]>
  /** What policies ask of these rows, read at once. */
  targets(rows: readonly R[]): Promise<TargetOf<R>>
  /** Whether the caller may see a row: what is read is narrowed already, policies have the last word. */
  isSeen(target: PolicyTarget): boolean
}

/** Rows that are seen, and what policies ask of them. */
export interface RowPart<R> {
  rows: R[]
  targetOf: TargetOf<R>
}

/** Rows at a time of a list without a limit. */
const partSize = 500

/** All rows of a list behind `after`, in parts of at most `size`. */
export async function* partsOf<R>(
  listing: RowListing<R>,
  { after, size = partSize }: { after?: R | undefined; size?: number } = {},
): AsyncGenerator<RowPart<R>> {
  for (let last = after; ;) {
    const read = await listing.read(last, size)
    const targetOf = await listing.targets(read)
    yield { rows: read.filter((row) => listing.isSeen(targetOf(row))), targetOf }
    if (read.length < size) return
    last = read.at(-1)
    await nextTurn()
  }
}

/** At most `limit` rows of a list behind `after`. */
export async function pageOfRows<R>(
  listing: RowListing<R>,
  { after, limit }: { after: R | undefined; limit: number },
): Promise<RowPart<R>> {
  const rows: R[] = []
  const targets = new Map<R, PolicyTarget>()
  for await (const part of partsOf(listing, { after, size: limit })) {
    for (const row of part.rows.slice(0, limit - rows.length)) {
      rows.push(row)
      targets.set(row, part.targetOf(row))
    }
    if (rows.length >= limit) break
  }
  return { rows, targetOf: (row) => targets.get(row)! }
}
