/** The five operations of federation's entities, which the caller names: they are created by `PUT` at their address. */
import type { TObject, TSchema } from 'typebox'
import { Invalid } from '../../../../platform/errors.ts'
import type { ParamsOf, Query, Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { policy } from '../../policies.ts'
import { collection } from '../links.ts'
import { listAnswer, oneOf } from '../answers.ts'

/** Attributes of a body, as its schema has let them through. */
export type Attributes = Readonly<Record<string, unknown>>

export interface NamedEntity<Row, Path extends string> {
  singular: string
  plural: string
  /** Below /v3; may have parameters of its parent. */
  path: Path
  createBody: TSchema
  updateBody: TSchema
  /** What `view` shows. */
  answer: TObject
  list(deps: IdentityDeps, query: Query, params: ParamsOf<Path>): Promise<readonly Row[]>
  /** Throws where there is none. */
  find(deps: IdentityDeps, params: ParamsOf<`${Path}/:id`>): Promise<Row>
  create(deps: IdentityDeps, params: ParamsOf<`${Path}/:id`>, attributes: Attributes): Promise<Row>
  change(deps: IdentityDeps, row: Row, attributes: Attributes): Promise<Row>
  remove(deps: IdentityDeps, row: Row): Promise<void>
  /** `self` is its address. */
  view(row: Row, baseUrl: string): { id: string }
}

const longestId = 64

function requireShort({ id = '' }: { id?: string }) {
  if (id.length > longestId) throw new Invalid(`Invalid input for field 'id': '${id}' is too long`)
}

export function namedEntity<Row, const Path extends string>(entity: NamedEntity<Row, Path>): Route<IdentityDeps>[] {
  const { singular, plural, path } = entity
  const rules = {
    list: policy(`list_${plural}`),
    show: policy(`get_${singular}`),
    create: policy(`create_${singular}`),
    update: policy(`update_${singular}`),
    delete: policy(`delete_${singular}`),
  }
  const one = `${path}/:id` as const
  const shown = oneOf(singular, entity.answer)
  const attributesOf = (body: unknown) => (body as Record<string, Attributes>)[singular] ?? {}
  const answer = <Status extends 200 | 201>(status: Status, row: Row, baseUrl: string) => ({
    status,
    body: { [singular]: entity.view(row, baseUrl) },
  })

  return [
    route({
      method: 'GET',
      path,
      policy: rules.list,
      answer: listAnswer(plural, entity.answer),
      async handle({ ctx, params, query, baseUrl, url }, deps) {
        ctx.authorize(rules.list)
        const rows = await entity.list(deps, query, params)
        return collection(
          plural,
          rows.map((row) => entity.view(row, baseUrl)),
          baseUrl + url,
        )
      },
    }),
    route({
      method: 'GET',
      path: one,
      policy: rules.show,
      answer: { 200: shown },
      async handle({ ctx, params, baseUrl }, deps) {
        ctx.authorize(rules.show)
        return answer(200, await entity.find(deps, params), baseUrl)
      },
    }),
    route({
      method: 'PUT',
      path: one,
      policy: rules.create,
      body: entity.createBody,
      answer: { 201: shown },
      async handle({ ctx, params, body, baseUrl }, deps) {
        ctx.authorize(rules.create)
        requireShort(params)
        const row = await entity.create(deps, params, attributesOf(body))
        deps.changed()
        return answer(201, row, baseUrl)
      },
    }),
    route({
      method: 'PATCH',
      path: one,
      policy: rules.update,
      body: entity.updateBody,
      answer: { 200: shown },
      async handle({ ctx, params, body, baseUrl }, deps) {
        ctx.authorize(rules.update)
        const row = await entity.change(deps, await entity.find(deps, params), attributesOf(body))
        deps.changed()
        return answer(200, row, baseUrl)
      },
    }),
    route({
      method: 'DELETE',
      path: one,
      policy: rules.delete,
      answer: { 204: null },
      async handle({ ctx, params }, deps) {
        ctx.authorize(rules.delete)
        await entity.remove(deps, await entity.find(deps, params))
        deps.changed()
        return { status: 204 }
      },
    }),
  ]
}

/** The address of an entity below /v3. */
export const selfLink = (baseUrl: string, path: string, id: string): string =>
  `${baseUrl}/v3${path}/${encodeURIComponent(id)}`
