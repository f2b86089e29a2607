/** Every route of federation and OAuth. */
import { identityProviderRoutes } from '../identity-providers/routes.ts'
import { mappingRoutes } from '../mappings/routes.ts'
import { accessTokenRoutes } from '../oauth1/access-tokens.ts'
import { consumerRoutes } from '../oauth1/consumers.ts'
import { oauth1Routes } from '../oauth1/tokens.ts'
import { oauth2Routes } from '../oauth2/token.ts'
import { protocolRoutes } from '../protocols/routes.ts'
import { serviceProviderRoutes } from '../service-providers/routes.ts'
import { federatedLoginRoutes } from './login.ts'
import { samlRoutes } from './saml.ts'

export const federationRoutes = [
  ...identityProviderRoutes,
  ...protocolRoutes,
  ...mappingRoutes,
  ...serviceProviderRoutes,
  ...consumerRoutes,
  ...oauth1Routes,
  ...accessTokenRoutes,
  ...oauth2Routes,
  ...federatedLoginRoutes,
  ...samlRoutes,
]
