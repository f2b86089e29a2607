/** Trusts: their uses, and their end. */
import type { IdentityDb, Row } from './rows.ts'

type Trust = Row<'trusts'>

/** Takes one use of a trust; false when none is left. */
export async function takeTrustUse(db: IdentityDb, id: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('trusts')
    .set((row) => ({ remaining_uses: row('remaining_uses', '-', 1) }))
    .where('id', '=', id)
    .where('remaining_uses', '>', 0)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Marks trusts as deleted; `flushTrusts` and `purgeTrusts` remove them. */
export async function markTrustsDeleted(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  await tx
    .updateTable('trusts')
    .set({ deleted_at: Date.now() })
    .where('id', 'in', [...ids])
    .execute()
}

/** Marks the trusts of users or projects that go as deleted, where they are not yet. */
export async function endTrustsOf(
  tx: IdentityDb,
  column: 'trustor_user_id' | 'trustee_user_id' | 'project_id',
  ids: readonly string[],
): Promise<void> {
  await tx
    .updateTable('trusts')
    .set({ deleted_at: Date.now() })
    .where(column, 'in', [...ids])
    .where('deleted_at', 'is', null)
    .execute()
}

/** Removes trusts that ended or were deleted before a time, of these users and project; how many there were. */
export async function flushTrusts(
  db: IdentityDb,
  before: number,
  of: Partial<Pick<Trust, 'project_id' | 'trustor_user_id' | 'trustee_user_id'>>,
): Promise<number> {
  let query = db
    .deleteFrom('trusts')
    .where((where) => where.or([where('expires_at', '<', before), where('deleted_at', '<', before)]))
  for (const column of ['project_id', 'trustor_user_id', 'trustee_user_id'] as const) {
    const id = of[column]
    if (id !== undefined) query = query.where(column, '=', id)
  }
  const { numDeletedRows } = await query.executeTakeFirst()
  return Number(numDeletedRows)
}

/** Removes trusts that ended or were deleted before a time, at most so many; how many there were. */
export async function purgeTrusts(tx: IdentityDb, before: number, most: number): Promise<number> {
  const rows = await tx
    .selectFrom('trusts')
    .select('id')
    .where((where) => where.or([where('expires_at', '<', before), where('deleted_at', '<', before)]))
    .limit(most)
    .execute()
  for (const { id } of rows) await tx.deleteFrom('trusts').where('id', '=', id).execute()
  return rows.length
}
