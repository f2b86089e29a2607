import type { Engine } from '../../../platform/db/database.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import { compareTraits } from '../model/standard-traits.ts'
import type { PlacementDb } from './providers.ts'

export const listCustomTraits = (db: PlacementDb): Promise<{ name: string; created_at: number }[]> =>
  db.selectFrom('custom_traits').selectAll().orderBy('name').execute()

/** Those of `names` that somebody made. */
export async function findCustomTraits(
  db: PlacementDb,
  names: readonly string[],
): Promise<{ name: string; created_at: number }[]> {
  return names.length === 0 ? [] : db.selectFrom('custom_traits').selectAll().where('name', 'in', names).execute()
}

export const insertTrait = (db: PlacementDb, engine: Engine, name: string): Promise<void> =>
  upsert(db, engine, 'custom_traits', ['name'], { name, created_at: Date.now() })

export const deleteTrait = async (db: PlacementDb, name: string): Promise<boolean> =>
  (await db.deleteFrom('custom_traits').where('name', '=', name).executeTakeFirst()).numDeletedRows === 1n

export const isTraitUsed = async (db: PlacementDb, name: string): Promise<boolean> =>
  (await db.selectFrom('provider_traits').select('trait').where('trait', '=', name).limit(1).executeTakeFirst()) !==
  undefined

/** The traits that any provider has. */
export const listUsedTraits = async (db: PlacementDb): Promise<string[]> =>
  (await db.selectFrom('provider_traits').select('trait').distinct().execute()).map((row) => row.trait)

export async function traitsOf(db: PlacementDb, uuid: string): Promise<string[]> {
  const rows = await db.selectFrom('provider_traits').select('trait').where('provider_uuid', '=', uuid).execute()
  return rows.map((row) => row.trait).sort(compareTraits)
}

export async function setTraits(db: PlacementDb, uuid: string, traits: readonly string[]): Promise<void> {
  await db.deleteFrom('provider_traits').where('provider_uuid', '=', uuid).execute()
  const rows = traits.map((trait) => ({ provider_uuid: uuid, trait }))
  if (rows.length > 0) await db.insertInto('provider_traits').values(rows).execute()
}
