/** Whether classes and traits exist: the standard ones always, others when somebody made them. */
import { ClassNotFound, TraitsNotFound } from '../errors.ts'
import { isStandardClass } from '../model/standard-classes.ts'
import { isStandardTrait } from '../model/standard-traits.ts'
import { findCustomClasses } from '../store/classes.ts'
import type { PlacementDb } from '../store/providers.ts'
import { findCustomTraits } from '../store/traits.ts'

/** Throws ClassNotFound for the first class that does not exist. */
export async function requireClasses(db: PlacementDb, names: Iterable<string>): Promise<void> {
  const custom = [...new Set(names)].filter((name) => !isStandardClass(name))
  const known = new Set((await findCustomClasses(db, custom)).map((row) => row.name))
  const missing = custom.find((name) => !known.has(name))
  if (missing !== undefined) throw new ClassNotFound(missing)
}

/** Those of `names` that are no traits. */
export async function unknownTraits(db: PlacementDb, names: Iterable<string>): Promise<string[]> {
  const custom = [...new Set(names)].filter((name) => !isStandardTrait(name))
  const known = new Set((await findCustomTraits(db, custom)).map((row) => row.name))
  return custom.filter((name) => !known.has(name))
}

/** Throws TraitsNotFound with those that do not exist. */
export async function requireTraits(db: PlacementDb, names: Iterable<string>): Promise<void> {
  const missing = await unknownTraits(db, names)
  if (missing.length > 0) throw new TraitsNotFound(missing)
}
