import type { HttpError, ShownError } from './errors.ts'
import type { Credentials } from '../auth/credentials.ts'
import type { PolicyEnforcer } from '../auth/policy.ts'
import type { Logger } from '../log/log.ts'
import { Invalid, type ServiceError } from '../errors.ts'
import type { Route } from './route.ts'
import type { Problem } from './schema.ts'
import type { ApiVersion, VersionTable } from './versions.ts'

/** How the HTTP side of a service looks: what differs between OpenStack's services, as data and small functions. */
export interface ApiDefinition {
  /** Service type, e.g. `compute`. */
  readonly type: string
  /** Paths that every route is mounted below; several where OpenStack accepts several (nova's project id). */
  readonly basePaths: readonly string[]
  readonly microversions?: Microversions
  /** The error body that this service's clients expect; `version` is absent when the request's could not be told. */
  envelope(error: ShownError, requestId: string, version?: ApiVersion): unknown
  /** True where a path that ends in `/` is another one, as with glance: `/v2/images/` is an image without an id. */
  readonly hasStrictPaths?: boolean
  /** Media type of the error body where it is not JSON. */
  readonly envelopeType?: string
  /** A schema problem in the service's own sentence and status. */
  invalid?(problem: Problem, where: 'body' | 'query'): ServiceError
  /** A body that is no JSON, in the service's own sentence. */
  malformed?(cause: unknown): ServiceError
  /** How query schemas see the parameters: a list of values each (the default), or the last value as text. */
  readonly queryForm?: 'lists' | 'last'
  /** Name of the request id header besides `X-Openstack-Request-Id` (nova: `x-compute-request-id`). */
  readonly requestIdHeaders?: readonly string[]
  /** Largest JSON body in bytes; OpenStack's default is 114688. */
  readonly bodyLimit?: number
}

export interface Microversions {
  readonly table: VersionTable
  /** Older name of the header, e.g. `X-OpenStack-Nova-API-Version`. */
  readonly legacyHeader?: string
  /** What `Vary` says where it is not the names of the headers. */
  readonly vary?: string
  /** How a version is written, where that is stricter than two numbers; others are malformed. */
  readonly form?: RegExp
  /** A version that is `malformed` (400) or not `supported` (406), in the service's own sentence. */
  refuse?(text: string, why: 'malformed' | 'unsupported'): ServiceError | HttpError
}

/** Tells who bears a token; null when it is not valid. Throws Unavailable when nobody can tell now. */
export interface Authenticator {
  /** With `allowExpired` also for a while after its end, as `[token] allow_expired_window` says. */
  validate(token: string, options?: { allowExpired?: boolean }): Promise<Credentials | null>
  /** Which service tokens count: those with one of the roles, and whether others are refused. */
  readonly serviceTokens?: { readonly roles: readonly string[]; readonly isRequired: boolean }
}

/** What the pipeline needs besides the routes. */
export interface AppOptions<Deps> {
  definition: ApiDefinition
  routes: readonly Route<Deps>[]
  /** Routes outside `basePaths`: version documents, health. */
  rootRoutes?: readonly Route<Deps>[]
  deps: Deps
  enforcer: PolicyEnforcer
  authenticator: Authenticator
  log: Logger
  /** `http://address:port` of the endpoint, for links. */
  baseUrl: string
  /** `[oslo_middleware] enable_proxy_headers_parsing`: what a proxy in front says of its own address counts. */
  parseProxyHeaders?: boolean
  /** For `WWW-Authenticate` on 401. */
  authUrl?: string
}

/** The default sentence for a schema problem. */
export function invalidRequest(problem: Problem): ServiceError {
  const field = problem.path.join('/') || 'body'
  return new Invalid(`Invalid input for field '${field}': ${problem.message}`)
}
