import type { PlacementDeps } from '../deps.ts'
import {
  DuplicateProvider,
  ProviderActionError,
  ProviderHasChildren,
  ProviderInUse,
  ProviderNotFound,
} from '../errors.ts'
import { hasAllocations } from '../store/allocations.ts'
import { noteChanges } from '../store/changes.ts'
import {
  deleteProvider,
  findProvider,
  hasChildren,
  insertProvider,
  listClashes,
  listTree,
  lockProviders,
  setRoot,
  updateProvider,
  type PlacementDb,
} from '../store/providers.ts'
import type { ProviderRow } from '../store/tables.ts'

type Deps = Pick<PlacementDeps, 'database'>

/** The provider of that uuid. Throws ProviderNotFound. */
export async function getProvider(db: PlacementDb, uuid: string): Promise<ProviderRow> {
  const provider = await findProvider(db, uuid)
  if (!provider) throw new ProviderNotFound(uuid)
  return provider
}

/** Throws ProviderActionError on a parent that cannot be, DuplicateProvider on a taken name or uuid. */
export function createProvider(
  { database }: Deps,
  { uuid, name, parent }: { uuid: string; name: string; parent: string | null },
): Promise<ProviderRow> {
  return database.transaction(async (tx) => {
    if (name === '') throw new ProviderActionError('create', 'name is required')
    const above = parent === null ? undefined : await findParent(tx, uuid, parent)
    const now = Date.now()
    const provider: ProviderRow = {
      uuid,
      name,
      generation: 0,
      root_uuid: above?.root_uuid ?? uuid,
      parent_uuid: above?.uuid ?? null,
      created_at: now,
      updated_at: now,
    }
    const clashes = await listClashes(tx, uuid, name)
    if (clashes.length > 0 || !(await insertProvider(tx, provider))) throw new DuplicateProvider(duplicates(clashes))
    await noteChanges(tx, [uuid])
    return provider

    function duplicates(found: typeof clashes): string {
      const parts = [
        ...(found.some((each) => each.uuid === uuid) ? [`uuid: ${uuid}`] : []),
        ...(found.some((each) => each.name === name) ? [`name: ${name}`] : []),
      ]
      return parts.length === 0 ? `name: ${name}` : parts.join(', ')
    }
  })
}

async function findParent(tx: PlacementDb, uuid: string, parent: string): Promise<ProviderRow> {
  if (parent === uuid) {
    throw new ProviderActionError(
      'create',
      'parent provider UUID cannot be same as UUID. Please set parent provider UUID to None if there is no parent.',
    )
  }
  // It must not be deleted before its child is there.
  await lockProviders(tx, [parent])
  const above = await findProvider(tx, parent)
  if (!above) throw new ProviderActionError('create', 'parent provider UUID does not exist.')
  return above
}

/** Renames a provider and, unless `parent` is undefined, moves it with everything below it. */
export function changeProvider(
  { database }: Deps,
  uuid: string,
  change: { name: string; parent: string | null | undefined; mayMove: boolean },
): Promise<ProviderRow> {
  return database.transaction(async (tx) => {
    const provider = await getProvider(tx, uuid)
    if (change.parent !== undefined) await move(tx, provider, change.parent, change.mayMove)
    if (!(await updateProvider(tx, uuid, { name: change.name, updated_at: Date.now() }))) {
      throw new DuplicateProvider(change.name)
    }
    await noteChanges(tx, [uuid])
    return getProvider(tx, uuid)
  })
}

async function move(tx: PlacementDb, provider: ProviderRow, parent: string | null, mayMove: boolean) {
  if (parent === null && provider.parent_uuid === null) return
  // Two moves in one tree could close a loop that neither sees.
  await lockTrees(tx, provider.root_uuid, parent)
  const above = parent === null ? undefined : await findProvider(tx, parent)
  if (parent !== null && !above) throw new ProviderActionError('create', 'parent provider UUID does not exist.')
  const isMoved = provider.parent_uuid !== null && provider.parent_uuid !== parent
  if (isMoved && !mayMove) {
    const what = parent === null ? 'un-parenting' : 're-parenting'
    throw new ProviderActionError('update', `${what} a provider is not currently allowed.`)
  }
  const below = subtreeOf(provider.uuid, await listTree(tx, provider.root_uuid))
  if (above && below.includes(above.uuid)) {
    throw new ProviderActionError('update', 'creating loop in the provider tree is not allowed.')
  }
  if (provider.parent_uuid === parent) return
  await setRoot(tx, below, above?.root_uuid ?? provider.uuid)
  await updateProvider(tx, provider.uuid, { parent_uuid: parent })
  await noteChanges(tx, below)
}

/** Waits for other moves in the tree and in that of the new parent. */
async function lockTrees(tx: PlacementDb, root: string, parent: string | null) {
  const above = parent === null ? undefined : await findProvider(tx, parent)
  await lockProviders(tx, [root, ...(above ? [above.root_uuid, above.uuid] : [])].sort())
}

/** A provider and everything below it. */
function subtreeOf(uuid: string, tree: readonly ProviderRow[]): string[] {
  const children = Map.groupBy(tree, (each) => each.parent_uuid)
  const found = [uuid]
  for (const each of found) found.push(...(children.get(each) ?? []).map((child) => child.uuid))
  return found
}

/** Throws ProviderInUse, ProviderHasChildren or ProviderNotFound. */
export function removeProvider({ database }: Deps, uuid: string): Promise<void> {
  return database.transaction(async (tx) => {
    await lockProviders(tx, [uuid])
    if (await hasChildren(tx, uuid)) throw new ProviderHasChildren(uuid)
    if (await hasAllocations(tx, uuid)) throw new ProviderInUse(uuid)
    if (!(await deleteProvider(tx, uuid))) throw new ProviderNotFound(uuid)
    await noteChanges(tx, [uuid])
  })
}
