import type { Route } from '../../../platform/http/route.ts'
import type { ComputeDeps } from '../deps.ts'
import { serverMetadataRoutes } from './server-metadata/routes.ts'
import { serverTagRoutes } from './server-tags/routes.ts'
import { serverPasswordRoutes } from './server-password/routes.ts'
import { ipRoutes } from './server-ips/routes.ts'
import { securityGroupRoutes } from './security-groups/routes.ts'
import { interfaceRoutes } from './interfaces/routes.ts'
import { instanceActionRoutes } from './instance-actions/routes.ts'
import { serviceRoutes } from './os-services/routes.ts'
import { hypervisorRoutes } from './hypervisors/routes.ts'
import { zoneRoutes } from './availability-zones/routes.ts'
import { aggregateRoutes } from './aggregates/routes.ts'
import { limitRoutes } from './limits/routes.ts'
import { quotaRoutes } from './quotas/routes.ts'
import { serverGroupRoutes } from './server-groups/routes.ts'
import { externalEventRoutes } from './external-events/routes.ts'
import { flavorRoutes } from './flavors/routes.ts'
import { keypairRoutes } from './keypairs/routes.ts'
import { actionRoutes } from './servers/actions.ts'
import { volumeAttachmentRoutes } from './volume-attachments/routes.ts'
import { serverRoutes } from './servers/routes.ts'

/** Every route below `/v2.1`. */
export const routes: readonly Route<ComputeDeps>[] = [
  ...flavorRoutes,
  ...keypairRoutes,
  ...serverRoutes,
  ...actionRoutes,
  ...serverMetadataRoutes,
  ...serverTagRoutes,
  ...ipRoutes,
  ...serverPasswordRoutes,
  ...interfaceRoutes,
  ...volumeAttachmentRoutes,
  ...instanceActionRoutes,
  ...serviceRoutes,
  ...hypervisorRoutes,
  ...zoneRoutes,
  ...aggregateRoutes,
  ...limitRoutes,
  ...quotaRoutes,
  ...serverGroupRoutes,
  ...externalEventRoutes,
  ...securityGroupRoutes,
]
