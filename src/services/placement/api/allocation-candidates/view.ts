import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { CandidateRequest } from '../../model/candidates/request.ts'
import type { Candidate, SearchResult } from '../../model/candidates/search.ts'
import { capacityOf } from '../../model/capacity.ts'
import type { Provider } from '../../model/provider.ts'
import type { ShownRequest, ShownSummary } from './schema.ts'

export function viewCandidates(
  { candidates, providers }: SearchResult,
  request: CandidateRequest,
  version: ApiVersion,
) {
  const view = version.has('allocations-by-provider') ? viewAsMap(version) : viewAsList
  const summary = summaryView(request, version)
  return {
    allocation_requests: candidates.map(view),
    provider_summaries: Object.fromEntries(providers.map((provider) => [provider.uuid, summary(provider)])),
  }
}

/** As `PUT /allocations` takes it before 1.12. */
const viewAsList = ({ allocations }: Candidate): ShownRequest => ({
  allocations: [...allocations].map(([provider, resources]) => ({
    resource_provider: { uuid: provider.uuid },
    resources: Object.fromEntries(resources),
  })),
})

const viewAsMap =
  (version: ApiVersion) =>
  ({ allocations, mappings }: Candidate): ShownRequest => ({
    allocations: Object.fromEntries(
      [...allocations].map(([provider, resources]) => [provider.uuid, { resources: Object.fromEntries(resources) }]),
    ),
    ...(version.has('mappings') && { mappings }),
  })

/** Before 1.27 only the classes that are asked for are shown. */
function summaryView({ groups }: CandidateRequest, version: ApiVersion): (provider: Provider) => ShownSummary {
  const asked = version.has('all-resources')
    ? undefined
    : new Set(groups.flatMap((group) => Object.keys(group.resources)))
  const showsTraits = version.has('candidates-required')
  const showsTree = version.has('nested-candidates')
  return (provider) => {
    const resources: Record<string, { capacity: number; used: number }> = {}
    for (const [name, stock] of provider.stock) {
      if (!asked || asked.has(name)) resources[name] = { capacity: capacityOf(stock), used: stock.used }
    }
    return {
      resources,
      ...(showsTraits && { traits: [...provider.traits] }),
      ...(showsTree && { parent_provider_uuid: provider.parent, root_provider_uuid: provider.root }),
    }
  }
}
