/** Attributes that are no columns: keystone keeps what it does not know, and shows it again. */
import type { Input } from '../../../../platform/api/resource.ts'

/** Those of `input` that are not among the known ones, as JSON for the `extra` column; `before` is what was there. */
export function extraOf(input: Input, known: readonly string[], before = '{}'): string {
  const rest = Object.entries(input).filter(([name]) => !known.includes(name) && name !== 'id' && name !== 'links')
  return JSON.stringify({ ...(JSON.parse(before) as object), ...Object.fromEntries(rest) })
}

export const extras = (row: { extra: string }): object => JSON.parse(row.extra) as object
