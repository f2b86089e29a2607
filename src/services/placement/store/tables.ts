/** Rows as the database has them. */
import type { Generated } from 'kysely'

export interface PlacementSchema {
  providers: ProviderRow
  inventories: InventoryRow
  allocations: AllocationRow
  consumers: ConsumerRow
  provider_traits: { provider_uuid: string; trait: string }
  provider_aggregates: { provider_uuid: string; aggregate_uuid: string }
  custom_traits: { name: string; created_at: number }
  custom_classes: { name: string; created_at: number }
  /** One row for every provider that a transaction changed; what keeps provider indexes fresh. */
  changes: { id: Generated<number>; provider_uuid: string; at: number }
}

export interface ProviderRow {
  uuid: string
  name: string
  generation: number
  root_uuid: string
  parent_uuid: string | null
  created_at: number
  updated_at: number
}

export interface InventoryRow {
  provider_uuid: string
  resource_class: string
  total: number
  reserved: number
  min_unit: number
  max_unit: number
  step_size: number
  allocation_ratio: number
  updated_at: number
}

export interface AllocationRow {
  provider_uuid: string
  consumer_uuid: string
  resource_class: string
  used: number
  created_at: number
  /** Within the request that made it. */
  position: number
}

export interface ConsumerRow {
  uuid: string
  project_id: string
  user_id: string
  generation: number
  type: string
}
