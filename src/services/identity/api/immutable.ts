import { Immutable } from '../errors.ts'

const isImmutable = (options: string): boolean => (JSON.parse(options) as { immutable?: unknown }).immutable === true

/** An immutable entity takes no change but the one that makes it mutable again. */
export function requireMutable(row: { id: string; options: string }, kind: string, input: object): void {
  const { options } = input as { options?: { immutable?: unknown } }
  const isFreed = options !== undefined && 'immutable' in options && options.immutable !== true
  if (isImmutable(row.options) && !isFreed) throw new Immutable('update', kind, row.id)
}

export function requireDeletable(row: { id: string; options: string }, kind: string): void {
  if (isImmutable(row.options)) throw new Immutable('delete', kind, row.id)
}
