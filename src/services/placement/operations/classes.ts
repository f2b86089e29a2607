import { BadRequest } from '../../../platform/http/errors.ts'
import { standardClasses } from '../model/standard-classes.ts'
import { standardTraits } from '../model/standard-traits.ts'
import type { PlacementDb } from '../store/providers.ts'

const classes = new Set(standardClasses)
const traits = new Set(standardTraits)

export const isStandardClass = (name: string): boolean => classes.has(name)
export const isStandardTrait = (name: string): boolean => traits.has(name)

/** Throws BadRequest when one of the resource classes does not exist. */
export async function requireClasses(db: PlacementDb, names: readonly string[]): Promise<void> {
  const custom = names.filter((name) => !classes.has(name))
  if (custom.length === 0) return
  const known = await db.selectFrom('custom_classes').select('name').where('name', 'in', custom).execute()
  const unknown = custom.find((name) => !known.some((row) => row.name === name))
  if (unknown !== undefined) throw new BadRequest(`Unknown resource class: No such resource class ${unknown}.`)
}

/** Throws BadRequest when one of the traits does not exist. */
export async function requireTraits(db: PlacementDb, names: readonly string[]): Promise<void> {
  const custom = names.filter((name) => !traits.has(name))
  if (custom.length === 0) return
  const known = await db.selectFrom('custom_traits').select('name').where('name', 'in', custom).execute()
  const unknown = custom.filter((name) => !known.some((row) => row.name === name))
  if (unknown.length > 0) throw new BadRequest(`No such trait(s): ${unknown.join(', ')}.`)
}
