/** Walks every route of every service: each names rules that exist, and none answers without a token unless it says so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PolicyEnforcer, type Rule } from '../../src/platform/auth/policy.ts'
import { createApp } from '../../src/platform/http/app.ts'
import type { Route } from '../../src/platform/http/route.ts'
import type { ApiDefinition } from '../../src/platform/http/service.ts'
import { createLogger } from '../../src/platform/log/log.ts'
import { routes as computeRoutes } from '../../src/services/compute/api/routes.ts'
import { rules as computeRules } from '../../src/services/compute/api/rules.ts'
import { definition as compute } from '../../src/services/compute/api/definition.ts'
import { definition as identityDefinition } from '../../src/services/identity/api/definition.ts'
import { routes as identityRoutes } from '../../src/services/identity/api/routes.ts'
import { policies as identityPolicies } from '../../src/services/identity/policies.ts'
import { definition as imageDefinition } from '../../src/services/image/api/definition.ts'
import { routes as imageRoutes } from '../../src/services/image/api/routes.ts'
import { policies as imagePolicies } from '../../src/services/image/policies.ts'
import { definition as networkDefinition } from '../../src/services/network/api/definition.ts'
import { routes as networkRoutes } from '../../src/services/network/api/routes.ts'
import { policies as networkPolicies } from '../../src/services/network/policies.ts'
import { definition as placementDefinition } from '../../src/services/placement/api/definition.ts'
import { routes as placementRoutes } from '../../src/services/placement/api/routes.ts'
import { policies as placementPolicies } from '../../src/services/placement/policies.ts'

interface Service {
  definition: ApiDefinition
  routes: readonly Route<unknown>[]
  policies: readonly Rule[]
}

const services = [
  { definition: compute, routes: computeRoutes, policies: computeRules },
  { definition: identityDefinition, routes: identityRoutes, policies: identityPolicies },
  { definition: imageDefinition, routes: imageRoutes, policies: imagePolicies },
  { definition: networkDefinition, routes: networkRoutes, policies: networkPolicies },
  { definition: placementDefinition, routes: placementRoutes, policies: placementPolicies },
] as unknown as Service[]

const rulesOf = (route: Route<unknown>): readonly Rule[] =>
  route.policy === null ? [] : ([route.policy].flat() as Rule[])

for (const { definition, routes, policies } of services) {
  const names = new Set(policies.map((policy) => policy.name))

  test(`B4: ${definition.type}: every route names rules that are registered`, () => {
    for (const route of routes) {
      for (const rule of rulesOf(route)) assert.ok(names.has(rule.name), `${route.method} ${route.path}: ${rule.name}`)
    }
  })

  test(`${definition.type}: without a token every route that needs one answers 401, before anything else is looked at`, async () => {
    const app = createApp({
      definition,
      routes,
      deps: {},
      enforcer: new PolicyEnforcer(policies),
      authenticator: { validate: () => Promise.resolve(null) },
      log: createLogger({ name: 'test' }),
      baseUrl: 'http://test',
    })
    const version = definition.microversions?.table.max
    const headers = version === undefined ? {} : { 'openstack-api-version': `${definition.type} ${version}` }
    for (const route of routes) {
      if ((route.auth ?? 'required') !== 'required' || route.until !== undefined) continue
      const url = definition.basePaths[0]! + route.path.replaceAll(/:\w+(\([^)]*\))?/g, 'x')
      const answer = await app.dispatch({ method: route.method, url, headers, json: {} })
      assert.equal(answer.status, 401, `${route.method} ${url} answered ${answer.status}`)
    }
  })
}
