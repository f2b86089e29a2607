/** The log of changed providers. Whoever changes a provider writes it here in the same transaction. */
import type { PlacementDb } from './providers.ts'

/** Notes that these providers, what they have or what is used of it has changed. */
export async function noteChanges(tx: PlacementDb, uuids: Iterable<string>): Promise<void> {
  const at = Date.now()
  const rows = [...new Set(uuids)].map((uuid) => ({ provider_uuid: uuid, at }))
  for (let from = 0; from < rows.length; from += 200) {
    await tx
      .insertInto('changes')
      .values(rows.slice(from, from + 200))
      .execute()
  }
}

export const changesAfter = async (db: PlacementDb, id: number): Promise<{ id: number; provider_uuid: string }[]> =>
  (await db.selectFrom('changes').select(['id', 'provider_uuid']).where('id', '>', id).orderBy('id').execute()).map(
    (row) => ({ id: Number(row.id), provider_uuid: row.provider_uuid }),
  )

/** The newest entry that was made before `at`; 0 when there is none. */
export async function lastChangeBefore(db: PlacementDb, at: number): Promise<number> {
  const row = await db
    .selectFrom('changes')
    .select(({ fn }) => fn.max<number | null>('id').as('id'))
    .where('at', '<', at)
    .executeTakeFirst()
  return Number(row?.id ?? 0)
}

export async function forgetChangesBefore(db: PlacementDb, at: number): Promise<void> {
  await db.deleteFrom('changes').where('at', '<', at).execute()
}
