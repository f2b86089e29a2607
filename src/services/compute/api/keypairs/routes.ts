import { last, type ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import { Invalid, NotFound } from '../../errors.ts'
import { generateKeypair, importKeypair } from '../../operations/keypairs.ts'
import { deleteKeypair, findKeypair, listKeypairs, type Keypair } from '../../store/keypairs.ts'
import { nextLink, toOldTime } from '../links.ts'
import { limitOf } from '../paging.ts'
import * as policy from './policy.ts'
import { createBody, listAnswer, listQuery, madeAnswer, ownQuery, showAnswer } from './schema.ts'
import { viewKeypair } from './view.ts'

/** Whose keypairs: since 2.10 admins may name somebody else. */
const ownerOf = ({ ctx, query, version }: ApiRequest): string =>
  (version.has('keypair-user') && last(query, 'user_id')) || ctx.userId

const missing = (name: string, userId: string) => new NotFound(`Keypair ${name} not found for user ${userId}`)

export const keypairRoutes = [
  route({
    method: 'GET',
    path: '/os-keypairs',
    policy: policy.index,
    query: listQuery,
    answer: { 200: listAnswer },
    async handle(request, { database, config }) {
      const { ctx, version, query } = request
      const userId = ownerOf(request)
      ctx.authorize(policy.index, { user_id: userId })
      const { db } = database
      const wrap = (keypair: Keypair) => ({ keypair: viewKeypair(keypair, version) })
      if (!version.has('keypair-paging'))
        return { status: 200, body: { keypairs: (await listKeypairs(db, userId)).map(wrap) } }
      const limit = limitOf(query, config.maxLimit)
      const marker = last(query, 'marker')
      if (marker !== undefined && !(await findKeypair(db, userId, marker)))
        throw new Invalid(`marker [${marker}] not found`)
      const page = await listKeypairs(db, userId, { after: marker, limit })
      const links = page.length > 0 &&
        page.length === limit && { keypairs_links: [nextLink(request, page.at(-1)!.name)] }
      return { status: 200, body: { keypairs: page.map(wrap), ...links } }
    },
  }),
  route({
    method: 'POST',
    path: '/os-keypairs',
    policy: policy.create,
    body: createBody,
    answer: { 200: madeAnswer, 201: madeAnswer },
    async handle({ ctx, version, body: { keypair: asked } }, deps) {
      const { public_key: publicKey, type = 'ssh', user_id: userId = ctx.userId } = asked
      ctx.authorize(policy.create, { user_id: userId })
      const status = version.has('keypair-type') ? 201 : 200
      const input = { name: asked.name, type, userId }
      if (publicKey !== undefined) {
        const keypair = await importKeypair(deps, ctx.projectId ?? '', { ...input, publicKey })
        return { status, body: { keypair: { ...viewKeypair(keypair, version), user_id: userId } } }
      }
      // Only versions before 'keypair-import-only' get here: their body may leave public_key out.
      const { keypair, privateKey } = await generateKeypair(deps, ctx.projectId ?? '', input)
      return {
        status,
        body: { keypair: { ...viewKeypair(keypair, version), private_key: privateKey, user_id: userId } },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/os-keypairs/:name',
    policy: policy.show,
    query: ownQuery,
    answer: { 200: showAnswer },
    async handle(request, { database }) {
      const userId = ownerOf(request)
      request.ctx.authorize(policy.show, { user_id: userId })
      const keypair = await findKeypair(database.db, userId, request.params.name)
      if (!keypair) throw missing(request.params.name, userId)
      const more = {
        user_id: userId,
        id: keypair.seq,
        created_at: toOldTime(keypair.createdAt),
        deleted: false,
        deleted_at: null,
        updated_at: null,
      }
      return { status: 200, body: { keypair: { ...viewKeypair(keypair, request.version), ...more } } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/os-keypairs/:name',
    policy: policy.remove,
    query: ownQuery,
    answer: { 202: null, 204: null },
    async handle(request, { database }) {
      const userId = ownerOf(request)
      request.ctx.authorize(policy.remove, { user_id: userId })
      if (!(await deleteKeypair(database.db, userId, request.params.name))) throw missing(request.params.name, userId)
      return { status: request.version.has('keypair-type') ? 204 : 202 }
    },
  }),
]
