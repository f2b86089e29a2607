/** The APIs of the program as data: what descriptions are made of, and what the contract tests walk. */
import type { Rule } from '../../src/platform/auth/policy.ts'
import type { Route } from '../../src/platform/http/route.ts'
import type { ApiDefinition } from '../../src/platform/http/service.ts'
import { removedRoutes } from '../../src/services/compute/api/removed/routes.ts'
import { routes as computeRoutes } from '../../src/services/compute/api/routes.ts'
import { rules as computeRules } from '../../src/services/compute/api/rules.ts'
import { versionRoutes as computeVersions } from '../../src/services/compute/api/versions/routes.ts'
import { definition as compute } from '../../src/services/compute/api/definition.ts'
import { versionRoutes as identityVersions } from '../../src/services/identity/api/versions/routes.ts'
import { policies as identityPolicies } from '../../src/services/identity/policies.ts'
import { definition as identity } from '../../src/services/identity/api/definition.ts'
import { routes as identityRoutes } from '../../src/services/identity/api/routes.ts'
import { rootRoutes as imageVersions } from '../../src/services/image/api/documents.ts'
import { policies as imagePolicies } from '../../src/services/image/policies.ts'
import { definition as image } from '../../src/services/image/api/definition.ts'
import { routes as imageRoutes } from '../../src/services/image/api/routes.ts'
import { rootRoutes as networkVersions } from '../../src/services/network/api/documents.ts'
import { policies as networkPolicies } from '../../src/services/network/policies.ts'
import { definition as network } from '../../src/services/network/api/definition.ts'
import { routes as networkRoutes } from '../../src/services/network/api/routes.ts'
import { showVersions } from '../../src/services/placement/api/versions/routes.ts'
import { policies as placementPolicies } from '../../src/services/placement/policies.ts'
import { definition as placement } from '../../src/services/placement/api/definition.ts'
import { routes as placementRoutes } from '../../src/services/placement/api/routes.ts'

/** A service's API: its routes as data, with those outside of its base path and the rules that they name. */
export interface ApiService {
  readonly definition: ApiDefinition
  readonly routes: readonly Route<never>[]
  readonly rootRoutes: readonly Route<never>[]
  readonly policies: readonly Rule[]
}

/** Every service, in the order of their names. */
export const apiServices: readonly ApiService[] = [
  {
    definition: compute,
    routes: [...computeRoutes, ...removedRoutes],
    rootRoutes: computeVersions,
    policies: computeRules,
  },
  {
    definition: identity,
    routes: identityRoutes,
    rootRoutes: identityVersions,
    policies: identityPolicies,
  },
  { definition: image, routes: imageRoutes, rootRoutes: imageVersions, policies: imagePolicies },
  { definition: network, routes: networkRoutes, rootRoutes: networkVersions, policies: networkPolicies },
  {
    definition: placement,
    routes: placementRoutes,
    rootRoutes: [showVersions],
    policies: placementPolicies,
  },
]
