import type { Route } from '../../../platform/http/route.ts'
import { addressGroupRoutes } from './address-groups/routes.ts'
import { agentRoutes } from './agents.ts'
import { documentRoutes } from './documents.ts'
import { floatingIpRoutes } from './floating-ips/routes.ts'
import { networkRoutes } from './networks/routes.ts'
import { bindingRoutes } from './ports/bindings.ts'
import { portRoutes } from './ports/routes.ts'
import { quotaRoutes } from './quotas.ts'
import { routerRoutes } from './routers/routes.ts'
import { schedulerRoutes } from './schedulers.ts'
import { defaultRuleRoutes } from './security-groups/default-rules.ts'
import { securityGroupRoutes, securityGroupRuleRoutes } from './security-groups/routes.ts'
import { addressScopeRoutes, subnetPoolRoutes } from './subnet-pools/routes.ts'
import { subnetRoutes } from './subnets/routes.ts'
import { topologyRoutes } from './topology.ts'
import type { NetworkDeps } from '../deps.ts'

export const routes: readonly Route<NetworkDeps>[] = [
  ...networkRoutes,
  ...subnetRoutes,
  ...subnetPoolRoutes,
  ...addressScopeRoutes,
  ...portRoutes,
  ...bindingRoutes,
  ...routerRoutes,
  ...floatingIpRoutes,
  ...securityGroupRoutes,
  ...securityGroupRuleRoutes,
  ...defaultRuleRoutes,
  ...addressGroupRoutes,
  ...topologyRoutes,
  ...agentRoutes,
  ...schedulerRoutes,
  ...quotaRoutes,
  ...documentRoutes,
]
