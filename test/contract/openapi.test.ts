/** Holds each service to the OpenAPI description of the real one. */
import { removedRoutes } from '../../src/services/compute/api/removed/routes.ts'
import { routes as computeRoutes } from '../../src/services/compute/api/routes.ts'
import { rules as computeRules } from '../../src/services/compute/api/rules.ts'
import { versionRoutes as computeVersions } from '../../src/services/compute/api/versions/routes.ts'
import { definition as compute } from '../../src/services/compute/api/definition.ts'
import { versionRoutes } from '../../src/services/identity/api/versions/routes.ts'
import { policies as identityPolicies } from '../../src/services/identity/policies.ts'
import { definition as identityDefinition } from '../../src/services/identity/api/definition.ts'
import { routes as identityRoutes } from '../../src/services/identity/api/routes.ts'
import { rootRoutes as networkRootRoutes } from '../../src/services/network/api/documents.ts'
import { policies as networkPolicies } from '../../src/services/network/policies.ts'
import { definition as networkDefinition } from '../../src/services/network/api/definition.ts'
import { routes as networkRoutes } from '../../src/services/network/api/routes.ts'
import { rootRoutes as imageVersions } from '../../src/services/image/api/documents.ts'
import { policies as imagePolicies } from '../../src/services/image/policies.ts'
import { definition as imageDefinition } from '../../src/services/image/api/definition.ts'
import { routes as imageRoutes } from '../../src/services/image/api/routes.ts'
import { showVersions } from '../../src/services/placement/api/versions/routes.ts'
import { policies as placementPolicies } from '../../src/services/placement/policies.ts'
import { definition as placementDefinition } from '../../src/services/placement/api/definition.ts'
import { routes as placementRoutes } from '../../src/services/placement/api/routes.ts'
import { exceptions } from './exceptions.ts'
import { testOpenApi, type WalkedService } from './openapi.ts'

/** A service joins with a line here and its exceptions in exceptions.ts. */
const walked: readonly (readonly [file: string, service: WalkedService])[] = [
  [
    'identity-v3.14.yaml',
    {
      definition: identityDefinition,
      routes: identityRoutes,
      rootRoutes: versionRoutes,
      policies: identityPolicies,
    } as WalkedService,
  ],
  [
    'network-v2.yaml',
    {
      definition: networkDefinition,
      routes: networkRoutes,
      rootRoutes: networkRootRoutes,
      policies: networkPolicies,
    } as WalkedService,
  ],
  [
    'image-v2.16.yaml',
    {
      definition: imageDefinition,
      routes: imageRoutes,
      rootRoutes: imageVersions,
      policies: imagePolicies,
    } as WalkedService,
  ],
  [
    'compute-v2.96.yaml',
    {
      definition: compute,
      routes: [...computeRoutes, ...removedRoutes],
      rootRoutes: computeVersions,
      policies: computeRules,
    } as WalkedService,
  ],
  [
    'placement-v1.yaml',
    {
      definition: placementDefinition,
      routes: placementRoutes,
      rootRoutes: [showVersions],
      policies: placementPolicies,
    } as WalkedService,
  ],
]

for (const [file, service] of walked) testOpenApi(file, service, exceptions[service.definition.type] ?? [])
