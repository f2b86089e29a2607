/**
 * Walks every route of every service: each names rules that exist, says what it answers, and answers nobody without a
 * token unless it says so.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PolicyEnforcer, type Rule } from '../../src/platform/auth/policy.ts'
import { createApp } from '../../src/platform/http/app.ts'
import type { Route } from '../../src/platform/http/route.ts'
import { createLogger } from '../../src/platform/log/log.ts'
import { apiServices } from '../../tools/api/services.ts'

const rulesOf = (route: Route<never>): readonly Rule[] =>
  route.policy === null ? [] : ([route.policy].flat() as Rule[])

for (const { definition, routes, rootRoutes, policies } of apiServices) {
  const names = new Set(policies.map((policy) => policy.name))

  test(`B4: ${definition.type}: every route names rules that are registered`, () => {
    for (const route of routes) {
      for (const rule of rulesOf(route)) assert.ok(names.has(rule.name), `${route.method} ${route.path}: ${rule.name}`)
    }
  })

  test(`${definition.type}: every route says what it answers`, () => {
    const silent = [...rootRoutes, ...routes].filter(({ answer }) => answer === undefined)
    assert.deepEqual(
      silent.map(({ method, path }) => `${method} ${path}`),
      [],
    )
  })

  test(`${definition.type}: without a token every route that needs one answers 401, before anything else is looked at`, async () => {
    const app = createApp({
      definition,
      routes,
      deps: {} as never,
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
