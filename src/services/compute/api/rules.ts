import type { Rule } from '../../../platform/auth/policy.ts'
import { baseRules } from './base-policy.ts'
import { serverMetadataRules } from './server-metadata/policy.ts'
import { serverTagRules } from './server-tags/policy.ts'
import { serverPasswordRules } from './server-password/routes.ts'
import { ipRules } from './server-ips/routes.ts'
import { securityGroupRules } from './security-groups/policy.ts'
import { interfaceRules } from './interfaces/routes.ts'
import { instanceActionRules } from './instance-actions/routes.ts'
import { serviceRules } from './os-services/routes.ts'
import { hypervisorRules } from './hypervisors/routes.ts'
import { zoneRules } from './availability-zones/routes.ts'
import { aggregateRules } from './aggregates/policy.ts'
import { limitRules } from './limits/routes.ts'
import { quotaRules } from './quotas/routes.ts'
import { serverGroupRules } from './server-groups/routes.ts'
import { externalEventRules } from './external-events/routes.ts'
import { flavorRules } from './flavors/policy.ts'
import { keypairRules } from './keypairs/policy.ts'
import { volumeAttachmentRules } from './volume-attachments/routes.ts'
import { serverRules } from './servers/policy.ts'

/** Every policy rule of the compute API. */
export const rules: readonly Rule[] = [
  ...baseRules,
  ...flavorRules,
  ...keypairRules,
  ...serverRules,
  ...serverMetadataRules,
  ...serverTagRules,
  ...ipRules,
  ...serverPasswordRules,
  ...interfaceRules,
  ...volumeAttachmentRules,
  ...instanceActionRules,
  ...serviceRules,
  ...hypervisorRules,
  ...zoneRules,
  ...aggregateRules,
  ...limitRules,
  ...quotaRules,
  ...serverGroupRules,
  ...externalEventRules,
  ...securityGroupRules,
]
