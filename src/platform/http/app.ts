/**
 * The way of a request through a service: route, microversion, token, body, handler, answer. The HTTP server and the
 * in-process clients call the same `dispatch`, so being in the same process is no credential.
 */
import FindMyWay, { type HTTPMethod } from 'find-my-way'
import { randomUUID } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import { Readable } from 'node:stream'
import type { TSchema } from 'typebox'
import type { Context } from '../auth/context.ts'
import { isDatabaseDown } from '../db/database.ts'
import { isQueryTooLarge } from '../db/query-size.ts'
import { ServiceError, Invalid, NotFound, Unavailable } from '../errors.ts'
import { reasonOf, shownError, HttpError } from './errors.ts'
import { auditOf, isRefusal } from './audit.ts'
import { authenticate, type AuthenticateOptions } from './authenticate.ts'
import { readJson, requireShape } from './body.ts'
import type { RawRequest, RawResponse } from './message.ts'
import type { ApiResponse, Method, Query, Route } from './route.ts'
import { findProblem, schemaAt } from './schema.ts'
import { invalidRequest, type ApiDefinition, type AppOptions } from './service.ts'
import { proxiedUrl } from './proxied.ts'
import { negotiate, versionHeaders } from './negotiate.ts'
import { parseQuery, splitTarget } from './target.ts'
import { unversioned, type ApiVersion } from './versions.ts'

/** A service's API, ready to answer. */
export interface App {
  readonly type: string
  readonly baseUrl: string
  dispatch(request: RawRequest): Promise<RawResponse>
}

/** What was answered by which route, for who listens: tests hold it to the route's schemas. */
export interface Answered {
  readonly definition: ApiDefinition
  readonly route: Route<unknown>
  readonly version: ApiVersion
  readonly response: ApiResponse
}
export const answered = channel('nephos.http.answered')

/** A matched path: every route that shares method and path, told apart by microversion. */
interface Variants {
  template: string
  routes: { route: Route<unknown>; since: number; until: number }[]
}

const methods: readonly Method[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Builds the app of a service. Throws on two routes that would answer the same request. */
export function createApp<Deps>(options: AppOptions<Deps>): App {
  const { definition, enforcer, authenticator, log, baseUrl } = options
  const audit = auditOf(log)
  for (const remark of enforcer.remarks) log.warn({}, remark)
  const table = definition.microversions?.table
  const router = FindMyWay({
    ignoreTrailingSlash: !definition.hasStrictPaths,
    maxParamLength: 1000,
    caseSensitive: true,
  })

  const guard: AuthenticateOptions = {
    type: definition.type,
    authenticator,
    enforcer,
    ...(options.authUrl !== undefined && { authUrl: options.authUrl }),
  }

  const mount = (base: string, route: Route<Deps>) => {
    const path = base + route.path || '/'
    const existing = router.findRoute(route.method, path) as { store: Variants } | null
    const variant = {
      route: route as Route<unknown>,
      since: route.since && table ? table.numberOf(route.since) : 0,
      until: route.until && table ? table.numberOf(route.until) : Infinity,
    }
    if (!existing) {
      router.on(route.method as HTTPMethod, path, () => undefined, { template: path, routes: [variant] } as never)
      return
    }
    const clash = existing.store.routes.some((other) => variant.since < other.until && other.since < variant.until)
    if (clash) throw new Error(`${definition.type}: two routes for ${route.method} ${path}`)
    existing.store.routes.push(variant)
  }
  for (const base of definition.basePaths) for (const route of options.routes) mount(base, route)
  for (const route of options.rootRoutes ?? []) mount('', route)

  const find = (method: string, path: string) => {
    const known = (methods as readonly string[]).includes(method)
    const found = known ? router.find(method as HTTPMethod, path) : null
    // HEAD is GET without a body wherever nobody said otherwise.
    const match = found ?? (method === 'HEAD' ? router.find('GET', path) : null)
    if (match) return { variants: match.store as Variants, params: match.params as Record<string, string> }
    const allowed = methods.filter((other) => router.find(other as HTTPMethod, path))
    if (allowed.length === 0) throw new NotFound()
    throw new HttpError(405, `The method ${method} is not allowed for this resource.`, {
      headers: { Allow: allowed.join(', ') },
    })
  }

  const select = (variants: Variants, version: ApiVersion): Route<unknown> => {
    const variant = variants.routes.find((each) => version.number >= each.since && version.number < each.until)
    if (!variant) throw new NotFound()
    return variant.route
  }

  const validate = (schema: TSchema | undefined, value: unknown, where: 'body' | 'query') => {
    const problem = schema && findProblem(schema, value)
    if (problem) throw (definition.invalid ?? invalidRequest)(problem, where)
  }

  const run = async (request: RawRequest, requestId: string, state: RequestState): Promise<ApiResponse> => {
    const { path, search } = splitTarget(request.url)
    // The version comes first: also the answer about an unknown path is one of a version.
    const version = definition.microversions ? negotiate(definition, request.headers) : unversioned
    state.version = version
    const { variants, params } = find(request.method, path)
    state.route = variants.template
    const route = select(variants, version)
    const ctx = await authenticate(guard, route, request, path, requestId)
    state.ctx = ctx
    const query = parseQuery(search)
    const { headers, url, peer } = request
    const reached = options.parseProxyHeaders ? proxiedUrl(headers, baseUrl) : baseUrl
    // What the path and the body have in them, only the route's declaration knows.
    const asked = { ctx, version, params: params as never, query: query as never, headers, peer, url, baseUrl: reached }
    await route.admit?.(asked, options.deps as never)
    const schema = schemaAt(route.query, version, table)
    validate(schema, definition.queryForm === 'last' ? lastOf(query) : query, 'query')
    let body: unknown
    if (route.body || (!route.stream && hasBody(request))) {
      body = requireShape(request.json) ?? (await readJson(request, route, definition))
      validate(schemaAt(route.body, version, table), body, 'body')
    }
    const input = { ...asked, body: body as never, stream: request.stream ?? Readable.from([]) }
    const response = await route.handle(input, options.deps as never)
    if (answered.hasSubscribers) answered.publish({ definition, route, version, response } satisfies Answered)
    return response
  }

  const failed = (error: unknown, requestId: string, state: RequestState): ApiResponse => {
    const shown = shownError(error) ?? shownError(concealed(error))!
    if (shown.status >= 500) {
      log.error({ requestId, route: state.route, err: error }, shown.message)
    } else if (isRefusal(shown.status)) {
      state.detail = shown.detail // told in the line of the refusal
    } else if (shown.detail) {
      log.info({ requestId, route: state.route, detail: shown.detail }, shown.message)
    }
    const type = definition.envelopeType && { 'Content-Type': definition.envelopeType }
    const body = definition.envelope(shown, requestId, state.version)
    return { status: shown.status, headers: { ...type, ...shown.headers }, body }
  }

  return {
    type: definition.type,
    baseUrl,
    async dispatch(request) {
      const requestId = `req-${randomUUID()}`
      const state: RequestState = { route: '(none)', version: undefined }
      const response = await run(request, requestId, state).catch((error: unknown) => failed(error, requestId, state))
      audit({ request, status: response.status, requestId, ctx: state.ctx, detail: state.detail })
      const headers: Record<string, string> = { 'X-Openstack-Request-Id': requestId }
      for (const name of definition.requestIdHeaders ?? []) headers[name] = requestId
      if (definition.microversions) Object.assign(headers, versionHeaders(definition, state.version))
      Object.assign(headers, response.headers)
      return { status: response.status, headers, body: response.body, route: state.route, requestId }
    },
  }
}

interface RequestState {
  route: string
  version: ApiVersion | undefined
  ctx?: Context
  /** Why it was refused, for the log. */
  detail?: string | undefined
}

const hasBody = (request: RawRequest): boolean =>
  request.json !== undefined ||
  request.headers['transfer-encoding'] !== undefined ||
  Number(request.headers['content-length'] ?? 0) > 0

const lastOf = (query: Query): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(query).map(([name, values]) => [name, values?.at(-1)]))

/** What is said of an error that users may not see. */
function concealed(error: unknown): ServiceError {
  if (isDatabaseDown(error)) return withoutDatabase(error)
  if (isQueryTooLarge(error)) return new Invalid('The request has too many or too long conditions.', { cause: error })
  return unexpected(error)
}

const withoutDatabase = (cause: unknown): ServiceError =>
  new Unavailable('The database of this service does not answer. Please try again later.', { cause })

const unexpected = (cause: unknown): ServiceError =>
  new ServiceError(
    'internal',
    `Unexpected API Error: ${reasonOf(500)}. The log has the details under this request id.`,
    { cause },
  )
