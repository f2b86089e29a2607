/** Microversions as descriptions write them: from `min-ver` to `max-ver`, both included. */
import type { VersionTable } from '../../src/platform/http/versions.ts'

export interface VersionRange {
  'min-ver'?: string
  'max-ver'?: string
}

const textOf = (number: number) => `${Math.floor(number / 1000)}.${number % 1000}`

/** What lies between two changes; bounds that the whole API has are left out. */
export function rangeOf(
  table: VersionTable | undefined,
  { since, until }: { since?: string | undefined; until?: string | undefined },
): VersionRange {
  if (!table) return {}
  const from = since === undefined ? undefined : textOf(table.numberOf(since))
  return {
    ...(from !== undefined && from !== table.min && { 'min-ver': from }),
    // Until a change: the version before it. None is the first of its major version.
    ...(until !== undefined && { 'max-ver': textOf(table.numberOf(until) - 1) }),
  }
}

export const isBounded = (range: VersionRange): boolean => Object.keys(range).length > 0
