/** Rows as the database has them. */
export interface PlacementSchema {
  providers: {
    uuid: string
    name: string
    generation: number
    root_uuid: string
    parent_uuid: string | null
    updated_at: number
  }
  inventories: {
    provider_uuid: string
    resource_class: string
    total: number
    reserved: number
    min_unit: number
    max_unit: number
    step_size: number
    allocation_ratio: number
  }
  allocations: { provider_uuid: string; consumer_uuid: string; resource_class: string; used: number }
  consumers: { uuid: string; project_id: string; user_id: string; generation: number; type: string }
  provider_traits: { provider_uuid: string; trait: string }
  provider_aggregates: { provider_uuid: string; aggregate_uuid: string }
  custom_traits: { name: string }
  custom_classes: { name: string }
}
