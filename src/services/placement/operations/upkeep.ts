/** Completes rows that a release before this one, or a copy by hand, left incomplete. Each may run again. */
import type { PlacementDeps, PlacementSettings } from '../deps.ts'
import { unknownType } from '../model/consumer.ts'
import { insertConsumer } from '../store/allocations.ts'
import { noteChanges } from '../store/changes.ts'
import { findProvider, setRoot, type PlacementDb } from '../store/providers.ts'
import { countIncompleteConsumers, countRootless, listIncompleteConsumers, listRootless } from '../store/upkeep.ts'

/** Works on at most `limit` rows; tells how many there were (never more than the limit) and how many are right now. */
export type Upkeep = (
  database: PlacementDeps['database'],
  settings: Pick<PlacementSettings, 'incompleteProject' | 'incompleteUser'>,
  limit: number,
) => Promise<{ found: number; done: number }>

/** Gives providers without a root the one that their parents lead to. */
export const setRootProviders: Upkeep = (database, _settings, limit) =>
  database.transaction(async (tx) => {
    const found = Math.min(await countRootless(tx), limit)
    const providers = await listRootless(tx, limit)
    for (const { uuid } of providers) await setRoot(tx, [uuid], await topOf(tx, uuid))
    await noteChanges(
      tx,
      providers.map((each) => each.uuid),
    )
    return { found, done: providers.length }
  })

/** The last one that is there on the way up. */
async function topOf(tx: PlacementDb, uuid: string): Promise<string> {
  const seen = new Set<string>()
  for (let at = uuid; ;) {
    seen.add(at)
    const parent = (await findProvider(tx, at))?.parent_uuid ?? null
    if (parent === null || seen.has(parent) || !(await findProvider(tx, parent))) return at
    at = parent
  }
}

/** Makes a record for consumers that have allocations and no record: of nobody, as allocations before 1.8 were. */
export const createIncompleteConsumers: Upkeep = (database, settings, limit) =>
  database.transaction(async (tx) => {
    const found = Math.min(await countIncompleteConsumers(tx), limit)
    const who = { project_id: settings.incompleteProject, user_id: settings.incompleteUser }
    let done = 0
    for (const uuid of await listIncompleteConsumers(tx, limit)) {
      if (await insertConsumer(tx, { uuid, ...who, generation: 0, type: unknownType })) done++
    }
    return { found, done }
  })
