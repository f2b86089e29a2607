import type { Route } from '../../../platform/http/route.ts'
import { accessRuleRoutes } from './access-rules/routes.ts'
import { credentialRoutes } from './credentials/routes.ts'
import { ec2CredentialRoutes } from './ec2/credentials.ts'
import { signatureRoutes } from './ec2/tokens.ts'
import { revocationRoutes } from './revocation/routes.ts'
import { trustRoutes } from './trusts/routes.ts'
import { applicationCredentialRoutes } from './application-credentials/routes.ts'
import { grantRoutesOfAll } from './assignments/grants.ts'
import { listAssignmentsRoute } from './assignments/list.ts'
import { authRoutes } from './auth/routes.ts'
import { endpointFilterRoutes } from './catalog/endpoint-filters.ts'
import { endpointRoutes } from './catalog/endpoints.ts'
import { regionRoutes } from './catalog/regions.ts'
import { serviceRoutes } from './catalog/services.ts'
import { domainConfigRoutes } from './domains/config.ts'
import { domainRoutes } from './domains/resource.ts'
import { federationRoutes } from './federation/routes.ts'
import { groupRoutes } from './groups/routes.ts'
import { limitRoutes } from './limits/routes.ts'
import { policyRoutes } from './policies/routes.ts'
import { projectRoutes } from './projects/routes.ts'
import { impliedRoutes } from './roles/implied.ts'
import { roleRoutes } from './roles/resource.ts'
import { tokenRoutes } from './tokens/routes.ts'
import { userRoutes } from './users/routes.ts'
import type { IdentityDeps } from '../deps.ts'

export const routes: readonly Route<IdentityDeps>[] = [
  ...tokenRoutes,
  ...authRoutes,
  ...domainRoutes,
  ...domainConfigRoutes,
  ...projectRoutes,
  ...userRoutes,
  ...groupRoutes,
  ...roleRoutes,
  ...impliedRoutes,
  ...grantRoutesOfAll,
  listAssignmentsRoute,
  ...regionRoutes,
  ...serviceRoutes,
  ...endpointRoutes,
  ...endpointFilterRoutes,
  ...policyRoutes,
  ...applicationCredentialRoutes,
  ...limitRoutes,
  ...accessRuleRoutes,
  ...trustRoutes,
  ...credentialRoutes,
  ...ec2CredentialRoutes,
  ...signatureRoutes,
  ...revocationRoutes,
  ...federationRoutes,
] as readonly Route<IdentityDeps>[]
