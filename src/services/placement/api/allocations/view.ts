import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { AllocationRow, ConsumerRow } from '../../store/tables.ts'
import type { ShownConsumer, ShownConsumers } from './schema.ts'

type Amounts = Record<string, number>

/** What a consumer has, by provider. */
export function viewOfConsumer(
  rows: readonly (AllocationRow & { generation: number })[],
  consumer: ConsumerRow | undefined,
  version: ApiVersion,
): ShownConsumer {
  const allocations: Record<string, { resources: Amounts; generation: number }> = {}
  for (const row of rows) {
    const entry = (allocations[row.provider_uuid] ??= { resources: {}, generation: row.generation })
    entry.resources[row.resource_class] = row.used
  }
  if (!consumer || rows.length === 0 || !version.has('allocations-by-provider')) return { allocations }
  return {
    allocations,
    project_id: consumer.project_id,
    user_id: consumer.user_id,
    ...(version.has('consumer-generation') && { consumer_generation: consumer.generation }),
    ...(version.has('consumer-types') && { consumer_type: consumer.type }),
  }
}

/** What is taken of a provider, by consumer. */
export function viewOfProvider(
  rows: readonly (AllocationRow & { consumer_generation: number })[],
  generation: number,
  version: ApiVersion,
): ShownConsumers {
  const showsGeneration = version.has('consumer-generation')
  const allocations: Record<string, { resources: Amounts; consumer_generation?: number }> = {}
  for (const row of rows) {
    const entry = (allocations[row.consumer_uuid] ??= {
      resources: {},
      ...(showsGeneration && { consumer_generation: row.consumer_generation }),
    })
    entry.resources[row.resource_class] = row.used
  }
  return { allocations, resource_provider_generation: generation }
}
