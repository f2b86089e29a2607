/** How much of an inventory can be given away; pure. Source: placement's reference on inventories. */
export interface InventoryRule {
  total: number
  reserved: number
  min_unit: number
  max_unit: number
  step_size: number
  allocation_ratio: number
}

export const capacityOf = (inventory: Pick<InventoryRule, 'total' | 'reserved' | 'allocation_ratio'>): number =>
  Math.floor((inventory.total - inventory.reserved) * inventory.allocation_ratio)

/** Why `amount` more cannot be given; undefined when it can. */
export function refusal(inventory: InventoryRule | undefined, used: number, amount: number): string | undefined {
  if (!inventory) return 'no inventory'
  if (amount < inventory.min_unit) return `less than min_unit ${inventory.min_unit}`
  if (amount > inventory.max_unit) return `more than max_unit ${inventory.max_unit}`
  if (amount % inventory.step_size !== 0) return `no multiple of step_size ${inventory.step_size}`
  const capacity = capacityOf(inventory)
  return used + amount > capacity ? `${used} of ${capacity} are used` : undefined
}
