import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { route } from '../route.ts'
import { Invalid, NotFound } from '../../errors.ts'
import { changeTags } from '../../operations/label-server.ts'
import { texts } from '../answers.ts'
import { findFor } from '../servers/find.ts'
import { strict, tag } from '../parameter-types.ts'
import * as policy from './policy.ts'

const most = 50
const since = 'server-tags'
const body = Type.Object({ tags: Type.Array(tag, { maxItems: most }) }, strict)
const answer = { 200: exactly({ tags: texts }) }
const missing = (id: string, name: string) => new NotFound(`Server ${id} has no tag '${name}'`)

export const serverTagRoutes = [
  route({
    method: 'GET',
    path: '/servers/:id/tags',
    since,
    policy: policy.index,
    answer,
    async handle({ ctx, params }, deps) {
      return { status: 200, body: { tags: (await findFor(ctx, deps, params.id, policy.index)).tags } }
    },
  }),
  route({
    method: 'PUT',
    path: '/servers/:id/tags',
    since,
    policy: policy.updateAll,
    body,
    answer,
    async handle({ ctx, params, body: { tags } }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.updateAll)
      const changed = await changeTags(deps, server.id, () => [...new Set(tags)])
      return { status: 200, body: { tags: changed.tags } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/servers/:id/tags',
    since,
    policy: policy.removeAll,
    answer: { 204: null },
    async handle({ ctx, params }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.removeAll)
      await changeTags(deps, server.id, () => [])
      return { status: 204 }
    },
  }),
  route({
    method: 'GET',
    path: '/servers/:id/tags/:tag',
    since,
    policy: policy.show,
    answer: { 204: null },
    async handle({ ctx, params }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.show)
      if (!server.tags.includes(params.tag)) throw missing(server.id, params.tag)
      return { status: 204 }
    },
  }),
  route({
    method: 'PUT',
    path: '/servers/:id/tags/:tag',
    since,
    policy: policy.update,
    answer: { 201: null, 204: null },
    async handle({ ctx, params, baseUrl }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.update)
      const name = params.tag
      if (name.length > 60) throw new Invalid(`Tag '${name}' is too long. Maximum length of a tag is 60`)
      if (/[,/]/.test(name)) throw new Invalid(`Tag '${name}' must not contain ',' or '/'`)
      const { before } = await changeTags(deps, server.id, (now) => {
        if (now.includes(name)) return [...now]
        if (now.length >= most) throw new Invalid(`The number of tags exceeded the per-server limit ${most}`)
        return [...now, name]
      })
      if (before.includes(name)) return { status: 204 }
      return {
        status: 201,
        headers: { Location: `${baseUrl}/v2.1/servers/${server.id}/tags/${encodeURIComponent(name)}` },
      }
    },
  }),
  route({
    method: 'DELETE',
    path: '/servers/:id/tags/:tag',
    since,
    policy: policy.remove,
    answer: { 204: null },
    async handle({ ctx, params }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.remove)
      await changeTags(deps, server.id, (now) => {
        if (!now.includes(params.tag)) throw missing(server.id, params.tag)
        return now.filter((each) => each !== params.tag)
      })
      return { status: 204 }
    },
  }),
]
