import type { Static } from 'typebox'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import { ReservedTooMuch } from '../../errors.ts'
import { capacityOf, inventoryDefaults, type InventoryRule } from '../../model/capacity.ts'
import type { inventoryRecord } from './schema.ts'

/** What a client says of an inventory, with the defaults. */
export function toRule(given: Static<typeof inventoryRecord>): InventoryRule {
  const { resource_provider_generation: _generation, ...rule } = given
  return { ...inventoryDefaults, ...rule }
}

/** Throws ReservedTooMuch when nothing is left to give. */
export function requireCapacity(version: ApiVersion, provider: string, resourceClass: string, rule: InventoryRule) {
  const isEqualAllowed = version.has('full-reserve')
  const capacity = capacityOf(rule)
  if (capacity < 0 || (capacity === 0 && !isEqualAllowed)) {
    throw new ReservedTooMuch(resourceClass, provider, isEqualAllowed)
  }
}
