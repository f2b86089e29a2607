/** Each change of an inventory raises the generation of its provider, and fails when somebody else has. */
import type { PlacementDeps } from '../deps.ts'
import { ConcurrentUpdate, InventoryInUse, InventoryNotFound } from '../errors.ts'
import { isOver, type InventoryRule } from '../model/capacity.ts'
import { compareClasses } from '../model/standard-classes.ts'
import { listUsage } from '../store/allocations.ts'
import { noteChanges } from '../store/changes.ts'
import { deleteInventories, insertInventories, listInventories, updateInventory } from '../store/inventories.ts'
import { raiseGeneration, type PlacementDb } from '../store/providers.ts'
import type { ProviderRow } from '../store/tables.ts'
import { requireClasses } from './known-names.ts'

type Deps = Pick<PlacementDeps, 'database' | 'log'>
type Owner = Pick<ProviderRow, 'uuid' | 'generation'>

/** Inventories by class. */
export type Inventories = Readonly<Record<string, InventoryRule>>

const rowOf = (provider: Owner, resourceClass: string, rule: InventoryRule) => ({
  provider_uuid: provider.uuid,
  resource_class: resourceClass,
  ...rule,
  updated_at: Date.now(),
})

async function raise(tx: PlacementDb, provider: Owner) {
  if (!(await raiseGeneration(tx, provider.uuid, provider.generation))) throw new ConcurrentUpdate()
  await noteChanges(tx, [provider.uuid])
}

/** Throws ClassNotFound, or ConcurrentUpdate when there is an inventory of the class. */
export function addInventory({ database }: Deps, provider: Owner, resourceClass: string, rule: InventoryRule) {
  return database.transaction(async (tx) => {
    await requireClasses(tx, [resourceClass])
    await raise(tx, provider)
    if (!(await insertInventories(tx, [rowOf(provider, resourceClass, rule)]))) {
      throw new ConcurrentUpdate(`Inventory of class ${resourceClass} already exists.`)
    }
  })
}

/** Throws ClassNotFound, InventoryNotFound or ConcurrentUpdate. A total below what is used is taken: hosts shrink. */
export function changeInventory({ database, log }: Deps, provider: Owner, resourceClass: string, rule: InventoryRule) {
  return database.transaction(async (tx) => {
    await requireClasses(tx, [resourceClass])
    await raise(tx, provider)
    if (!(await updateInventory(tx, rowOf(provider, resourceClass, rule)))) throw new InventoryNotFound(resourceClass)
    await warnOfOverage(tx, log, provider, { [resourceClass]: rule })
  })
}

/** Throws ClassNotFound, InventoryNotFound, InventoryInUse or ConcurrentUpdate. */
export function removeInventory({ database }: Deps, provider: Owner, resourceClass: string) {
  return database.transaction(async (tx) => {
    await requireClasses(tx, [resourceClass])
    await requireUnused(tx, provider, [resourceClass])
    if ((await deleteInventories(tx, provider.uuid, [resourceClass])) === 0) throw new InventoryNotFound(resourceClass)
    await raise(tx, provider)
  })
}

/** Makes these the only inventories of a provider. */
export const replaceInventories = ({ database, log }: Deps, provider: Owner, inventories: Inventories): Promise<void> =>
  database.transaction((tx) => setInventories(tx, log, provider, inventories))

/** As `replaceInventories`, inside a transaction. Throws ClassNotFound, InventoryInUse or ConcurrentUpdate. */
export async function setInventories(
  tx: PlacementDb,
  log: Deps['log'],
  provider: Owner,
  inventories: Inventories,
): Promise<void> {
  const wanted = Object.keys(inventories)
  await requireClasses(tx, wanted)
  await raise(tx, provider)
  const existing = (await listInventories(tx, [provider.uuid])).map((row) => row.resource_class)
  const lost = existing.filter((name) => !Object.hasOwn(inventories, name))
  await requireUnused(tx, provider, lost)
  await deleteInventories(tx, provider.uuid, lost)
  const isNew = (name: string) => !existing.includes(name)
  const added = wanted.filter(isNew).map((name) => rowOf(provider, name, inventories[name]!))
  if (!(await insertInventories(tx, added))) throw new ConcurrentUpdate()
  const kept = wanted.filter((name) => !isNew(name))
  for (const name of kept) await updateInventory(tx, rowOf(provider, name, inventories[name]!))
  if (kept.length > 0) await warnOfOverage(tx, log, provider, inventories)
}

async function requireUnused(tx: PlacementDb, provider: Owner, classes: readonly string[]) {
  if (classes.length === 0) return
  const used = (await listUsage(tx, [provider.uuid])).map((usage) => usage.resource_class)
  const busy = classes.filter((name) => used.includes(name)).sort(compareClasses)
  if (busy.length > 0) throw new InventoryInUse(busy, provider.uuid)
}

async function warnOfOverage(tx: PlacementDb, log: Deps['log'], provider: Owner, inventories: Inventories) {
  for (const { resource_class: name, used } of await listUsage(tx, [provider.uuid])) {
    const rule = inventories[name]
    if (rule && isOver(rule, used)) {
      log.warn(
        { provider: provider.uuid, resourceClass: name, used },
        'less is left of an inventory than is used of it',
      )
    }
  }
}
