import type { Static } from 'typebox'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { PlacementSettings } from '../../deps.ts'
import type { ConsumerRequest, Resources } from '../../model/consumer.ts'
import type { widest } from './schema.ts'

type Body = Static<typeof widest>

/** What a body of any version asks for. */
export function toRequest(
  consumer: string,
  body: Body,
  version: ApiVersion,
  settings: Pick<PlacementSettings, 'incompleteProject' | 'incompleteUser'>,
): ConsumerRequest {
  const hasGeneration = version.has('consumer-generation')
  return {
    consumer,
    projectId: body.project_id ?? settings.incompleteProject,
    userId: body.user_id ?? settings.incompleteUser,
    type: body.consumer_type,
    generation: hasGeneration ? (body.consumer_generation ?? null) : undefined,
    resources: toResources(body.allocations),
  }
}

const toResources = (allocations: Body['allocations']): Resources =>
  Object.fromEntries(
    Array.isArray(allocations)
      ? allocations.map((each) => [each.resource_provider.uuid, each.resources])
      : Object.entries(allocations).map(([uuid, each]) => [uuid, each.resources]),
  )
