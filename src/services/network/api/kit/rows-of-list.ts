/** The rows behind a list: read by the database in the order of the answer, part by part. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Context } from '../../../../platform/auth/context.ts'
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import type { SortKey } from '../../../../platform/db/keyset.ts'
import { selectRows, type NetworkDb, type OwnedTable, type Row, type Scope } from '../../store/rows.ts'

/** Which rows, in which order; the last key is `id`. */
export interface RowListing<T extends OwnedTable> {
  table: T
  /** Values by column; any of them. */
  where: Readonly<Record<string, readonly string[]>>
  /** Undefined for who sees all. */
  scope: Scope | undefined
  keys: readonly SortKey[]
  /** Whether the caller may see a row; the scope narrows, policies have the last word. */
  targets(db: NetworkDb, rows: readonly Row<T>[]): Promise<(row: Row<T>) => PolicyTarget>
  isSeen(target: PolicyTarget): boolean
}

export type RowPart<T extends OwnedTable> = { rows: Row<T>[]; targetOf: (row: Row<T>) => PolicyTarget }

/** Rows at a time of a list without a limit: between them others have their turn. */
const partSize = 500

/** All rows of a list behind `after`, in parts of at most `size`. */
export async function* partsOf<T extends OwnedTable>(
  db: NetworkDb,
  listing: RowListing<T>,
  { after, size = partSize }: { after?: Row<T> | undefined; size?: number } = {},
): AsyncGenerator<RowPart<T>> {
  const { table, where, scope, keys } = listing
  for (let last = after; ;) {
    const read = await selectRows(db, table, where, scope, { keys, after: last, limit: size })
    const targetOf = await listing.targets(db, read)
    yield { rows: read.filter((row) => listing.isSeen(targetOf(row))), targetOf }
    if (read.length < size) return
    last = read.at(-1)
    await nextTurn()
  }
}

/** At most `limit` rows of a list behind `after`. */
export async function pageOfRows<T extends OwnedTable>(
  db: NetworkDb,
  listing: RowListing<T>,
  { after, limit }: { after: Row<T> | undefined; limit: number },
): Promise<RowPart<T>> {
  const rows: Row<T>[] = []
  const targets = new Map<Row<T>, PolicyTarget>()
  for await (const part of partsOf(db, listing, { after, size: limit })) {
    for (const row of part.rows.slice(0, limit - rows.length)) {
      rows.push(row)
      targets.set(row, part.targetOf(row))
    }
    if (rows.length >= limit) break
  }
  return { rows, targetOf: (row) => targets.get(row)! }
}

/** What a caller may see at most. */
export const scopeFor = (ctx: Context, scope: (ctx: Context) => Scope): Scope | undefined =>
  ctx.isAdmin || ctx.roles.includes('service') || ctx.roles.includes('advsvc') ? undefined : scope(ctx)
