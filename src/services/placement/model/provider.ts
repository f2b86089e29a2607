import { fits, type InventoryRule } from './capacity.ts'

/** An inventory and what is used of it. */
export interface Stock extends InventoryRule {
  readonly resourceClass: string
  readonly used: number
}

/** A resource provider with everything that decides whether it can take a request. */
export interface Provider {
  readonly uuid: string
  readonly name: string
  readonly generation: number
  readonly root: string
  readonly parent: string | null
  readonly updatedAt: number
  readonly stock: ReadonlyMap<string, Stock>
  readonly traits: ReadonlySet<string>
  readonly aggregates: ReadonlySet<string>
}

/** Traits and aggregates that a provider must and must not have. Each entry of `required` and `memberOf` is an any-of. */
export interface Conditions {
  readonly required: readonly (readonly string[])[]
  readonly forbidden: readonly string[]
  readonly memberOf: readonly (readonly string[])[]
  readonly notMemberOf: readonly string[]
}

/** Whether `has` holds one of each entry of `wanted`. */
export const hasEach = (has: ReadonlySet<string>, wanted: readonly (readonly string[])[]): boolean =>
  wanted.every((any) => any.some((each) => has.has(each)))

export const hasAny = (has: ReadonlySet<string>, unwanted: readonly string[]): boolean =>
  unwanted.some((each) => has.has(each))

/** Whether a provider has room for `amount` more of a class. */
export function canGive(provider: Provider, resourceClass: string, amount: number): boolean {
  const stock = provider.stock.get(resourceClass)
  return stock !== undefined && fits(stock, stock.used, amount)
}
