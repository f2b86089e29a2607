import type { PlacementDeps } from '../deps.ts'
import { ClassExists, ClassInUse, ClassNotFound } from '../errors.ts'
import { noteChanges } from '../store/changes.ts'
import { deleteClass, insertClass, providersWithClass, renameClass } from '../store/classes.ts'
import { requireClasses } from './known-names.ts'

type Deps = Pick<PlacementDeps, 'database'>

/** Throws ClassExists when there is a class of the new name. */
export function changeClass({ database }: Deps, from: string, to: string): Promise<void> {
  return database.transaction(async (tx) => {
    await requireClasses(tx, [from])
    if (from === to) return
    if (!(await renameClass(tx, from, to))) throw new ClassExists(to)
    await noteChanges(tx, await providersWithClass(tx, to))
  })
}

/** Makes a custom class; false when there is one. */
export const ensureClass = ({ database }: Deps, name: string): Promise<boolean> =>
  database.transaction((tx) => insertClass(tx, name))

/** Throws ClassInUse or ClassNotFound. */
export function removeClass({ database }: Deps, name: string): Promise<void> {
  return database.transaction(async (tx) => {
    if ((await providersWithClass(tx, name)).length > 0) throw new ClassInUse(name)
    if (!(await deleteClass(tx, name))) throw new ClassNotFound(name)
  })
}
