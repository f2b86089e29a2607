import type { PlacementDeps } from '../deps.ts'
import { TraitInUse, TraitsNotFound } from '../errors.ts'
import { deleteTrait, findCustomTraits, insertTrait, isTraitUsed } from '../store/traits.ts'

type Deps = Pick<PlacementDeps, 'database'>

/** Makes a custom trait; false when there is one. */
export function ensureTrait({ database }: Deps, name: string): Promise<boolean> {
  return database.transaction(async (tx) => {
    if ((await findCustomTraits(tx, [name])).length > 0) return false
    await insertTrait(tx, database.engine, name)
    return true
  })
}

/** Throws TraitInUse or TraitsNotFound. */
export function removeTrait({ database }: Deps, name: string): Promise<void> {
  return database.transaction(async (tx) => {
    if (await isTraitUsed(tx, name)) throw new TraitInUse(name)
    if (!(await deleteTrait(tx, name))) throw new TraitsNotFound([name])
  })
}
