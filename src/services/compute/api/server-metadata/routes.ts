import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { route } from '../route.ts'
import { Invalid, NotFound } from '../../errors.ts'
import { changeMetadata } from '../../operations/label-server.ts'
import { textByName } from '../answers.ts'
import { findFor, mayOverrideLock } from '../servers/find.ts'
import { metadata, metadataItem, strict } from '../parameter-types.ts'
import * as policy from './policy.ts'

const body = Type.Object({ metadata }, strict)
const itemBody = Type.Object({ meta: metadataItem }, strict)
const answer = { 200: exactly({ metadata: textByName }) }
const itemAnswer = { 200: exactly({ meta: textByName }) }
const missing = () => new NotFound('Metadata item was not found')

export const serverMetadataRoutes = [
  route({
    method: 'GET',
    path: '/servers/:id/metadata',
    policy: policy.index,
    answer,
    async handle({ ctx, params }, deps) {
      return { status: 200, body: { metadata: (await findFor(ctx, deps, params.id, policy.index)).metadata } }
    },
  }),
  route({
    method: 'POST',
    path: '/servers/:id/metadata',
    policy: policy.create,
    body,
    answer,
    async handle({ ctx, params, body: { metadata: more } }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.create)
      const all = await changeMetadata(deps, server.id, mayOverrideLock(ctx, server), (now) => ({ ...now, ...more }))
      return { status: 200, body: { metadata: all } }
    },
  }),
  route({
    method: 'PUT',
    path: '/servers/:id/metadata',
    policy: policy.updateAll,
    body,
    answer,
    async handle({ ctx, params, body: { metadata: all } }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.updateAll)
      return {
        status: 200,
        body: { metadata: await changeMetadata(deps, server.id, mayOverrideLock(ctx, server), () => all) },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/servers/:id/metadata/:key',
    policy: policy.show,
    answer: itemAnswer,
    async handle({ ctx, params }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.show)
      const key = params.key
      if (!Object.hasOwn(server.metadata, key)) throw missing()
      return { status: 200, body: { meta: { [key]: server.metadata[key]! } } }
    },
  }),
  route({
    method: 'PUT',
    path: '/servers/:id/metadata/:key',
    policy: policy.update,
    body: itemBody,
    answer: itemAnswer,
    async handle({ ctx, params, body: { meta } }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.update)
      if (!Object.hasOwn(meta, params.key)) throw new Invalid('Request body and URI mismatch')
      await changeMetadata(deps, server.id, mayOverrideLock(ctx, server), (now) => ({ ...now, ...meta }))
      return { status: 200, body: { meta } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/servers/:id/metadata/:key',
    policy: policy.remove,
    answer: { 204: null },
    async handle({ ctx, params }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.remove)
      await changeMetadata(deps, server.id, mayOverrideLock(ctx, server), (now) => {
        if (!Object.hasOwn(now, params.key)) throw missing()
        return Object.fromEntries(Object.entries(now).filter(([key]) => key !== params.key))
      })
      return { status: 204 }
    },
  }),
]
