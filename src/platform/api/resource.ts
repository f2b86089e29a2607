/**
 * The operations that resources of all services have alike: list, show, create, update, delete. A resource says what it is
 * (`Resource`), an operation what it does (`Creation`, `Change`, `Removal`); how a service asks, permits and answers is its
 * dialect, said once for all of its resources.
 */
import type { Static, TObject, TSchema } from 'typebox'
import type { Context } from '../auth/context.ts'
import type { PolicyTarget, Rule } from '../auth/policy.ts'
import type { Answers } from '../http/answers.ts'
import type { ApiRequest, ApiResponse, Route, UnreadRequest } from '../http/route.ts'
import type { TargetOf } from './listing.ts'

export type Verb = 'list' | 'show' | 'create' | 'update' | 'delete'
/** What a body says of a resource. */
export type Input = Readonly<Record<string, unknown>>
export type Params = Readonly<Record<string, string>>

/** What a resource is, whatever is done with it. `Row` is how the store has it. */
export interface Resource<Row extends object, Deps, Tx> {
  readonly singular: string
  readonly plural: string
  /** Below the API's base; may have parameters of its parent. */
  readonly path: string
  /** Its name is its address: it is created by `PUT` there. */
  readonly isNamedByCaller?: boolean
  /** How one looks, before what the dialect adds to all of them. */
  readonly answer: TObject
  /** The row of an address. */
  find(tx: Tx, params: Params, deps: Deps): Promise<Row | undefined>
  notFound(params: Params): Error
  /** What the policies of these rows ask for, read at once. */
  targets(tx: Tx, rows: readonly Row[], deps: Deps): Promise<TargetOf<Row>>
  /** How these rows look, whatever has to be read for it read at once. */
  views(tx: Tx, rows: readonly Row[], deps: Deps): Promise<object[]>
}

/** What is done once a change is committed: telling others of it. */
export type Afterwards = () => void | Promise<void>

export interface Creation<Row extends object, S extends TObject, Deps, Tx, Place> {
  readonly schema: S
  /** Values that an attribute has anyway: naming them needs no right of its own. */
  readonly defaults?: Readonly<Record<string, unknown>>
  /** Where it will be (its owner, its parent), where the dialect does not know. */
  placeOf?(tx: Tx, input: Static<S>, ctx: Context, deps: Deps): Promise<Place>
  /** What the policies see of it before it is there: where it will be, by the same derivation as `insert`, whatever its body says. */
  target?(tx: Tx, input: Static<S>, place: Place, ctx: Context, deps: Deps): Promise<PolicyTarget> | PolicyTarget
  insert(tx: Tx, deps: Deps, input: Static<S>, place: Place, ctx: Context): Promise<Row>
  /** Once all are committed. */
  afterwards?(deps: Deps, rows: readonly Row[]): void | Promise<void>
}

export interface Change<Row extends object, S extends TObject, Deps, Tx> {
  readonly schema: S
  apply(tx: Tx, deps: Deps, row: Row, input: Static<S>, ctx: Context): Promise<void | Afterwards>
}

export type Removal<Row extends object, Deps, Tx> = (
  tx: Tx,
  deps: Deps,
  row: Row,
  ctx: Context,
) => Promise<void | Afterwards>

/** A request as the dialect reads it; its body has passed the schema that the dialect made of the operation's. */
export type Request = ApiRequest<unknown, Params>

/** How a service asks, permits and answers. `Res` is what its resources are beside what all are, `Row` whatever row they have. */
export interface Dialect<Deps, Tx, Row extends object, Res extends Resource<Row, Deps, Tx>, Place> {
  readonly updateMethod: 'PUT' | 'PATCH'
  /** Who may not change something learns nothing about his body: it is looked at afterwards. */
  readonly isPermittedFirst?: boolean
  rules(resource: Res, verb: Verb): readonly Rule[]
  answers(resource: Res, verb: Verb): Answers
  bodySchema(resource: Res, verb: 'create' | 'update', schema: TObject): TSchema
  /** What a body asks for: one thing, or several where the dialect knows such bodies. Throws on what the schema cannot tell. */
  inputs(resource: Res, verb: 'create' | 'update', schema: TObject, request: Request): readonly Input[]
  /** Where is read. */
  reader(deps: Deps): Tx
  /** Where is written: all of it or nothing, then told to whom it concerns. */
  change<T>(deps: Deps, work: (tx: Tx) => Promise<T>): Promise<T>
  list(resource: Res, request: Request, deps: Deps): Promise<ApiResponse>
  /** The row of the address, for who may do this with it. Throws for others, as the service tells it. */
  permit(
    resource: Res,
    verb: 'show' | 'update' | 'delete',
    request: UnreadRequest<Params>,
    tx: Tx,
    deps: Deps,
    input?: Input,
  ): Promise<Row>
  /** Where something new will be. Throws where the caller may not make it. */
  permitNew(
    resource: Res,
    creation: Creation<Row, TObject, Deps, Tx, Place>,
    request: Request,
    tx: Tx,
    deps: Deps,
    input: Input,
  ): Promise<Place>
  /** The body of an answer about these rows. */
  body(
    resource: Res,
    verb: 'show' | 'create' | 'update',
    request: Request,
    deps: Deps,
    rows: readonly Row[],
  ): Promise<object>
}

/** The operations in a service's dialect. */
export interface ResourceKit<Deps, Tx, Any extends object, Res, Place> {
  /** The list and one of them. */
  readRoutes(resource: Res): Route<Deps>[]
  /** One, or several at once: all of them or none. */
  createRoute<Row extends Any, S extends TObject>(
    resource: Res & Resource<Row, Deps, Tx>,
    creation: Creation<Row, S, Deps, Tx, Place>,
  ): Route<Deps>
  updateRoute<Row extends Any, S extends TObject>(
    resource: Res & Resource<Row, Deps, Tx>,
    change: Change<Row, S, Deps, Tx>,
  ): Route<Deps>
  removeRoute<Row extends Any>(resource: Res & Resource<Row, Deps, Tx>, remove: Removal<Row, Deps, Tx>): Route<Deps>
}

export function resourceKit<Deps, Tx, Row extends object, Res extends Resource<Row, Deps, Tx>, Place>(
  dialect: Dialect<Deps, Tx, Row, Res, Place>,
): ResourceKit<Deps, Tx, Row, Res, Place> {
  const common = (resource: Res, verb: Verb) => ({
    policy: dialect.rules(resource, verb),
    answer: dialect.answers(resource, verb),
  })
  const addressOf = ({ path }: Res) => `${path}/:id`
  /** What was permitted before the body was read. */
  const permitted = new WeakMap<Context, Row>()

  return {
    readRoutes: (resource) => [
      {
        method: 'GET',
        path: resource.path,
        ...common(resource, 'list'),
        handle: (request: Request, deps) => dialect.list(resource, request, deps),
      },
      {
        method: 'GET',
        path: addressOf(resource),
        ...common(resource, 'show'),
        async handle(request: Request, deps) {
          const row = await dialect.permit(resource, 'show', request, dialect.reader(deps), deps)
          return { status: 200, body: await dialect.body(resource, 'show', request, deps, [row]) }
        },
      },
    ],
    createRoute: (resource, creation) => ({
      method: resource.isNamedByCaller ? 'PUT' : 'POST',
      path: resource.isNamedByCaller ? addressOf(resource) : resource.path,
      ...common(resource, 'create'),
      body: dialect.bodySchema(resource, 'create', creation.schema),
      async handle(request: Request, deps) {
        const inputs = dialect.inputs(resource, 'create', creation.schema, request)
        const rows = await dialect.change(deps, async (tx) => {
          const made = []
          for (const input of inputs) {
            const place = await dialect.permitNew(resource, creation as never, request, tx, deps, input)
            made.push(await creation.insert(tx, deps, input as never, place, request.ctx))
          }
          return made
        })
        await creation.afterwards?.(deps, rows)
        return { status: 201, body: await dialect.body(resource, 'create', request, deps, rows) }
      },
    }),
    updateRoute: (resource, change) => ({
      method: dialect.updateMethod,
      path: addressOf(resource),
      ...common(resource, 'update'),
      body: dialect.bodySchema(resource, 'update', change.schema),
      ...(dialect.isPermittedFirst && {
        async admit(request: UnreadRequest<Params>, deps: Deps) {
          permitted.set(request.ctx, await dialect.permit(resource, 'update', request, dialect.reader(deps), deps))
        },
      }),
      async handle(request: Request, deps) {
        const { ctx, params } = request
        const [input] = dialect.inputs(resource, 'update', change.schema, request)
        const afterwards = await dialect.change(deps, async (tx) => {
          const row = permitted.get(ctx) ?? (await dialect.permit(resource, 'update', request, tx, deps, input))
          return change.apply(tx, deps, row as never, input as never, ctx)
        })
        await afterwards?.()
        const row = await resource.find(dialect.reader(deps), params, deps)
        if (!row) throw resource.notFound(params)
        return { status: 200, body: await dialect.body(resource, 'update', request, deps, [row]) }
      },
    }),
    removeRoute: (resource, remove) => ({
      method: 'DELETE',
      path: addressOf(resource),
      ...common(resource, 'delete'),
      async handle(request: Request, deps) {
        const afterwards = await dialect.change(deps, async (tx) => {
          const row = await dialect.permit(resource, 'delete', request, tx, deps)
          return remove(tx, deps, row as never, request.ctx)
        })
        await afterwards?.()
        return { status: 204 }
      },
    }),
  }
}
