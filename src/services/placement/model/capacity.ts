/** How much of an inventory can be given away; pure. Source: placement's reference on inventories. */
export interface InventoryRule {
  total: number
  reserved: number
  min_unit: number
  max_unit: number
  step_size: number
  allocation_ratio: number
}

/** The largest number that fits the database upstream; also the default of `max_unit`. */
export const largestAmount = 2147483647

export const inventoryDefaults = {
  reserved: 0,
  min_unit: 1,
  max_unit: largestAmount,
  step_size: 1,
  allocation_ratio: 1,
} as const

type Size = Pick<InventoryRule, 'total' | 'reserved' | 'allocation_ratio'>

const limitOf = ({ total, reserved, allocation_ratio }: Size): number => (total - reserved) * allocation_ratio

/** Whole units that can be given away in all. */
export const capacityOf = (inventory: Size): number => Math.trunc(limitOf(inventory))

/** Whether one request may be for `amount`, however much is free. */
export const isAllowedAmount = (
  { min_unit, max_unit, step_size }: Pick<InventoryRule, 'min_unit' | 'max_unit' | 'step_size'>,
  amount: number,
): boolean => amount >= min_unit && amount <= max_unit && amount % step_size === 0

/** Whether `amount` more can be given when `used` are. */
export const fits = (inventory: InventoryRule, used: number, amount: number): boolean =>
  isAllowedAmount(inventory, amount) && used + amount <= limitOf(inventory)

/** Whether `used` in all is more than there is to give. */
export const isOver = (inventory: Size, used: number): boolean => used > limitOf(inventory)
