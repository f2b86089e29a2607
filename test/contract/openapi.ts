/**
 * Walks upstream's description of an API against a service: every operation (HEAD included) is routed, takes a checked body where it has
 * one, names a policy, and answers 401 without a token. What differs is listed in exceptions.ts with its reason.
 */
import assert from 'node:assert/strict'
import FindMyWay, { type HTTPMethod } from 'find-my-way'
import { test } from 'node:test'
import { PolicyEnforcer } from '../../src/platform/auth/policy.ts'
import { createApp } from '../../src/platform/http/app.ts'
import type { Route } from '../../src/platform/http/route.ts'
import { createLogger } from '../../src/platform/log/log.ts'
import type { ApiService } from '../../tools/api/services.ts'
import { readDigest } from './upstream.ts'

/**
 * `route`: nothing is mounted there. `body`: a described body is taken without a schema. `policy`: no rule protects it.
 * `token`: it does not answer 401 without one.
 */
export type Complaint = 'route' | 'body' | 'policy' | 'token'

/** Operations (`GET /v3/users/{user_id}`, or a pattern of such) that differ from the description, and why that is right. */
export interface Exception {
  kinds: readonly Complaint[]
  operations: readonly string[] | RegExp
  why: string
}

interface Operation {
  /** `GET /v3/users/{user_id}`, as in the description. */
  id: string
  method: HTTPMethod
  /** With `x` (or a uuid where only that is routed) in place of its parameters. */
  path: string
  hasBody: boolean
  /** Newest microversion that has it; undefined for the newest of all. */
  version: string | undefined
}

/** Operations that upstream describes for a service. */
const readOperations = (type: string): Operation[] =>
  Object.entries(readDigest(type).paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, { request, until }]) => {
      const method = verb.toUpperCase() as HTTPMethod
      return { id: `${method} ${path}`, method, path, hasBody: request !== undefined, version: until }
    }),
  )

/** Values to try for the parameters of a path: routes may ask for a form. */
const samples = ['x', '1', '00000000-0000-4000-8000-000000000000']
const fill = (path: string, sample: string) => path.replaceAll(/\{[^}]+\}/g, sample)

/** Finds the route that answers an operation at its microversion, as the app would. */
function routerOf({ definition, routes, rootRoutes }: ApiService) {
  const router = FindMyWay({ ignoreTrailingSlash: true, maxParamLength: 1000, caseSensitive: true })
  const variants = new Map<string, Route<never>[]>()
  const mount = (base: string, route: Route<never>) => {
    const key = `${route.method} ${base + route.path || '/'}`
    const known = variants.get(key)
    if (known) return void known.push(route)
    variants.set(key, [route])
    router.on(route.method as HTTPMethod, base + route.path || '/', () => undefined, key)
  }
  for (const base of definition.basePaths) for (const route of routes) mount(base, route)
  for (const route of rootRoutes) mount('', route)
  const table = definition.microversions?.table

  return (operation: Operation): { route: Route<never>; url: string } | undefined => {
    const version = table?.parse(operation.version ?? 'latest') ?? table?.parse('latest')
    for (const url of samples.map((sample) => fill(operation.path, sample))) {
      const match = router.find(operation.method, url) ?? (operation.method === 'HEAD' && router.find('GET', url))
      if (!match) continue
      const route = variants.get(match.store as string)!.find((each) => {
        const since = each.since === undefined ? 0 : table!.numberOf(each.since)
        const until = each.until === undefined ? Infinity : table!.numberOf(each.until)
        return !version || (version.number >= since && version.number < until)
      })
      if (route) return { route, url }
    }
    return undefined
  }
}

async function complaintsOf(service: ApiService, operations: readonly Operation[]) {
  const { definition, policies } = service
  const app = createApp({
    definition,
    routes: service.routes,
    rootRoutes: service.rootRoutes,
    deps: {} as never,
    enforcer: new PolicyEnforcer(policies),
    authenticator: { validate: () => Promise.resolve(null) },
    log: createLogger({ name: 'test' }),
    baseUrl: 'http://test',
  })
  const find = routerOf(service)
  const complaints: { kind: Complaint; id: string }[] = []
  for (const operation of operations) {
    const complain = (kind: Complaint) => complaints.push({ kind, id: operation.id })
    const match = find(operation)
    if (!match) {
      complain('route')
      continue
    }
    const { route, url } = match
    if (operation.hasBody && route.body === undefined && route.stream !== true) complain('body')
    if (route.policy === null) complain('policy')
    if ((route.auth ?? 'required') !== 'required') complain('token')
    else {
      const version = operation.version ?? definition.microversions?.table.max
      const headers = version === undefined ? {} : { 'openstack-api-version': `${definition.type} ${version}` }
      const { status } = await app.dispatch({ method: operation.method, url, headers })
      if (status !== 401) complain('token')
    }
  }
  return complaints
}

const isExcused = (exception: Exception, { kind, id }: { kind: Complaint; id: string }) =>
  exception.kinds.includes(kind) &&
  (Array.isArray(exception.operations) ? exception.operations.includes(id) : (exception.operations as RegExp).test(id))

const meaning: Record<Complaint, string> = {
  route: 'is not routed',
  body: 'has a body that no schema checks',
  policy: 'names no policy',
  token: 'does not answer 401 without a token',
}

/** Declares the test that holds a service to its description; exceptions that nothing needs any more fail it too. */
export function testOpenApi(service: ApiService, exceptions: readonly Exception[]): void {
  const { type } = service.definition
  test(`${type}: every operation that upstream describes is routed, checked and protected`, async (context) => {
    const operations = readOperations(type)
    const complaints = await complaintsOf(service, operations)
    const open = complaints.filter((each) => !exceptions.some((exception) => isExcused(exception, each)))
    const lines = open.map(({ kind, id }) => `${id} ${meaning[kind]}`)
    assert.ok(lines.length === 0, `mend these or argue them in test/contract/exceptions.ts:\n${lines.join('\n')}`)
    const stale = exceptions.flatMap((exception) => staleIn(exception, complaints))
    assert.ok(stale.length === 0, `no longer needed in test/contract/exceptions.ts:\n${stale.join('\n')}`)
    context.diagnostic(`${operations.length} operations, ${complaints.length} argued exceptions`)
  })
}

function staleIn(exception: Exception, complaints: readonly { kind: Complaint; id: string }[]): string[] {
  const isUsed = (operations: Exception['operations']) =>
    complaints.some((each) => isExcused({ ...exception, operations }, each))
  if (!Array.isArray(exception.operations)) {
    return isUsed(exception.operations) ? [] : [String(exception.operations as RegExp)]
  }
  return exception.operations.filter((id) => !isUsed([id]))
}
