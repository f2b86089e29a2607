import type { Route } from '../../../platform/http/route.ts'
import { aggregateRoutes } from './aggregates/routes.ts'
import { candidateRoutes } from './allocation-candidates/routes.ts'
import { allocationRoutes } from './allocations/routes.ts'
import { inventoryRoutes } from './inventories/routes.ts'
import { reshaperRoutes } from './reshaper/routes.ts'
import { classRoutes } from './resource-classes/routes.ts'
import { providerRoutes } from './resource-providers/routes.ts'
import { providerTraitRoutes } from './traits/of-provider.ts'
import { traitRoutes } from './traits/routes.ts'
import { usageRoutes } from './usages/routes.ts'
import type { PlacementDeps } from '../deps.ts'

export const routes: readonly Route<PlacementDeps>[] = [
  ...providerRoutes,
  ...inventoryRoutes,
  ...usageRoutes,
  ...aggregateRoutes,
  ...providerTraitRoutes,
  ...traitRoutes,
  ...classRoutes,
  ...allocationRoutes,
  ...candidateRoutes,
  ...reshaperRoutes,
]
