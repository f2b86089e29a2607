import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { TSchema } from 'typebox'
import type { Context } from '../auth/context.ts'
import type { Rule } from '../auth/policy.ts'
import type { Answers, ResponseOf } from './answers.ts'
import type { Bodies, BodyOf } from './schema.ts'
import type { ApiVersion } from './versions.ts'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Query parameters: every value of every name, in the order they came. */
export type Query = Readonly<Record<string, readonly string[] | undefined>>

/** The query of a route: the parameters of its schema, any where it has none. */
export type QueryOf<S> = S extends TSchema | Bodies
  ? { readonly [Name in keyof BodyOf<S> & string]?: readonly string[] }
  : Query

/** The last value of a query parameter, as the real services take it. */
export const last = <Q extends Query>(query: Q, name: keyof Q & string): string | undefined =>
  Object.hasOwn(query, name) ? query[name]?.at(-1) : undefined

/** The names of the parameters in a path, e.g. `id` and `tag` in `/servers/:id/tags/:tag`. */
type ParamNames<Path extends string> = Path extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer More}`
    ? Name | ParamNames<`/${More}`>
    : Rest
  : never

/**
 * The parameters of a path; of one of several paths, those of one of them. A path that is known only when the program
 * runs may have any.
 */
export type ParamsOf<Path extends string> = Path extends Path
  ? string extends Path
    ? Readonly<Record<string, string>>
    : { readonly [Name in ParamNames<Path>]: string }
  : never

/** What a handler gets. A function that takes one of many routes' requests says which parameters it needs. */
export interface ApiRequest<Body = unknown, Params = Readonly<Record<string, string>>, Asked extends Query = Query> {
  readonly ctx: Context
  readonly version: ApiVersion
  readonly params: Params
  readonly query: Asked
  readonly headers: IncomingHttpHeaders
  /** Address at the other end of the connection, e.g. of a proxy; undefined for clients in this process. */
  readonly peer: string | undefined
  /** Validated where the route has a schema. */
  readonly body: Body
  /** The unread body of a `stream: true` route. */
  readonly stream: Readable
  /** Path and query as they came, e.g. for `next` links. */
  readonly url: string
  /** `http://host:port` that the links of this service start with, from the configuration, never from `Host`. */
  readonly baseUrl: string
}

/** What a handler answers. `body` may be JSON, text, bytes or a stream; absent for none. */
export interface ApiResponse {
  status: number
  headers?: Record<string, string>
  body?: unknown
}

/** A request whose body nobody has looked at yet. */
export type UnreadRequest<Params = Readonly<Record<string, string>>> = Omit<
  ApiRequest<unknown, Params>,
  'body' | 'stream'
>

/** One operation of an API, as data. */
export interface Route<Deps = never> {
  readonly method: Method
  /** Below the service's base path, e.g. `/servers/:id`. */
  readonly path: string
  /** Microversion names between which the route exists (`until` is exclusive). */
  readonly since?: string
  readonly until?: string
  /**
   * The rule that the operation checks, or the rules where it depends on the request. Handlers call
   * `ctx.authorize` with the target from the database; naming it here is for the contract tests and the docs.
   * `null`: the operation is open to anyone.
   */
  readonly policy: Rule | readonly Rule[] | null
  /** `none` for operations without a token, `optional` where a token only adds to the answer. */
  readonly auth?: 'required' | 'optional' | 'none'
  readonly body?: TSchema | Bodies
  readonly query?: TSchema | Bodies
  /** What it answers when all goes well. Not looked at while the program runs: tests and the API's description do. */
  readonly answer?: Answers
  /** The handler reads the body itself (uploads). */
  readonly stream?: boolean
  /** Accepted body types besides JSON, e.g. `application/openstack-images-v2.1-json-patch`. */
  readonly contentTypes?: readonly string[]
  /** Largest accepted body in bytes; default is the service's. */
  readonly bodyLimit?: number
  /**
   * Refuses what must be refused before query and body are looked at, by throwing: media types, callers. For services
   * whose answers clients know in this order.
   */
  admit?(request: UnreadRequest<never>, deps: Deps): Promise<void> | void
  handle(request: ApiRequest<never, never, never>, deps: Deps): Promise<ApiResponse> | ApiResponse
}

/**
 * What answers a request of a route. Conditional, though both ways are the same: so the compiler knows the answer when it
 * looks at what a handler returns, and takes its texts and numbers as the literals that they are.
 */
export type HandlerOf<Path extends string, B, Q, A, Deps> = A extends undefined
  ? Handler<Path, B, Q, A, Deps>
  : Handler<Path, B, Q, A, Deps>
type Handler<Path extends string, B, Q, A, Deps> = (
  request: ApiRequest<BodyOf<B>, ParamsOf<Path>, QueryOf<Q>>,
  deps: Deps,
) => Promise<ResponseOf<A>> | ResponseOf<A>

interface RouteDefinition<
  Path extends string,
  B extends TSchema | Bodies | undefined,
  Q extends TSchema | Bodies | undefined,
  A extends Answers | undefined,
  Deps,
> extends Omit<Route<Deps>, 'path' | 'body' | 'query' | 'answer' | 'admit' | 'handle'> {
  readonly path: Path
  readonly body?: B
  readonly query?: Q
  readonly answer?: A
  admit?(request: UnreadRequest<ParamsOf<Path>>, deps: Deps): Promise<void> | void
  handle: HandlerOf<Path, B, Q, A, Deps>
}

/**
 * The way to declare a service's routes. A handler's parameters are typed by the path's text, its body by the schema,
 * what it returns by `answer` and its second argument by the service: `export const route = routesOf<ComputeDeps>()`.
 */
export const routesOf =
  <Deps>() =>
  <
    const Path extends string,
    B extends TSchema | Bodies | undefined = undefined,
    Q extends TSchema | Bodies | undefined = undefined,
    A extends Answers | undefined = undefined,
  >(
    definition: RouteDefinition<Path, B, Q, A, Deps>,
  ): Route<Deps> =>
    definition
