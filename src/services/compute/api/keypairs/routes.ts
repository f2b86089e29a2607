import { Type } from 'typebox'
import { last, route, type ApiRequest } from '../../../../platform/http/route.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { ComputeDeps } from '../../deps.ts'
import { BadRequest, NotFound } from '../../errors.ts'
import { generateKeypair, importKeypair } from '../../operations/keypairs.ts'
import { deleteKeypair, findKeypair, listKeypairs, type Keypair } from '../../store/keypairs.ts'
import { nextLink, toOldTime } from '../links.ts'
import { limitOf } from '../paging.ts'
import { looseQuery, name, paging, strict, strictQuery, text } from '../parameter-types.ts'
import * as policy from './policy.ts'

const nameOf = (pattern: string) =>
  Type.Unsafe<string>({ allOf: [name, Type.String({ minLength: 1, maxLength: 255, pattern })] })
const first = { name: nameOf('^[_\\- a-zA-Z0-9]+$'), public_key: Type.Optional(Type.String()) }
const typed = { ...first, type: Type.Optional(Type.Enum(['ssh', 'x509'])) }
const forUser = { ...typed, user_id: Type.Optional(Type.String()) }
const body = <T extends typeof first>(properties: T) =>
  Type.Object({ keypair: Type.Object(properties, strict) }, strict)
const importOnly = Type.Object(
  { keypair: Type.Object({ ...forUser, name: nameOf('^[_\\-@. a-zA-Z0-9]+$'), public_key: Type.String() }, strict) },
  strict,
)

const createBody = bodies(body(forUser), [
  ['initial', body(first)],
  ['keypair-type', body(typed)],
  ['keypair-user', body(forUser)],
  ['keypair-import-only', importOnly],
])

const ofUser = { user_id: text }
const ownQuery = bodies(looseQuery(ofUser), [
  ['initial', looseQuery({})],
  ['keypair-user', looseQuery(ofUser)],
  ['cleanup', strictQuery(ofUser)],
])
const listQuery = bodies(looseQuery(ofUser), [
  ['initial', looseQuery({})],
  ['keypair-user', looseQuery(ofUser)],
  ['keypair-paging', looseQuery({ ...ofUser, ...paging })],
  ['cleanup', strictQuery({ ...ofUser, ...paging })],
])

const view = (keypair: Keypair, version: ApiVersion) => ({
  name: keypair.name,
  public_key: keypair.publicKey,
  fingerprint: keypair.fingerprint,
  ...(version.has('keypair-type') && { type: keypair.type }),
})

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
    async handle(request, { database, config }: ComputeDeps) {
      const { ctx, version, query } = request
      const userId = ownerOf(request)
      ctx.authorize(policy.index, { user_id: userId })
      const all = await listKeypairs(database.db, userId)
      const wrap = (keypair: Keypair) => ({ keypair: view(keypair, version) })
      if (!version.has('keypair-paging')) return { status: 200, body: { keypairs: all.map(wrap) } }
      const limit = limitOf(query, config.maxLimit)
      const marker = last(query, 'marker')
      const after = marker === undefined ? 0 : all.findIndex(({ name }) => name === marker) + 1
      if (marker !== undefined && after === 0) throw new BadRequest(`marker [${marker}] not found`)
      const page = all.slice(after, after + limit)
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
    async handle({ ctx, version, body: { keypair: asked } }, deps: ComputeDeps) {
      const { public_key: publicKey, type = 'ssh', user_id: userId = ctx.userId } = asked
      ctx.authorize(policy.create, { user_id: userId })
      const status = version.has('keypair-type') ? 201 : 200
      const input = { name: asked.name, type, userId }
      if (publicKey !== undefined) {
        const keypair = await importKeypair(deps, ctx.projectId ?? '', { ...input, publicKey })
        return { status, body: { keypair: { ...view(keypair, version), user_id: userId } } }
      }
      // Only versions before 'keypair-import-only' get here: their body may leave public_key out.
      const { keypair, privateKey } = await generateKeypair(deps, ctx.projectId ?? '', input)
      return { status, body: { keypair: { ...view(keypair, version), private_key: privateKey, user_id: userId } } }
    },
  }),
  route({
    method: 'GET',
    path: '/os-keypairs/:name',
    policy: policy.show,
    query: ownQuery,
    async handle(request, { database }: ComputeDeps) {
      const userId = ownerOf(request)
      request.ctx.authorize(policy.show, { user_id: userId })
      const keypair = await findKeypair(database.db, userId, request.params['name']!)
      if (!keypair) throw missing(request.params['name']!, userId)
      const more = {
        user_id: userId,
        id: keypair.seq,
        created_at: toOldTime(keypair.createdAt),
        deleted: false,
        deleted_at: null,
        updated_at: null,
      }
      return { status: 200, body: { keypair: { ...view(keypair, request.version), ...more } } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/os-keypairs/:name',
    policy: policy.remove,
    query: ownQuery,
    async handle(request, { database }: ComputeDeps) {
      const userId = ownerOf(request)
      request.ctx.authorize(policy.remove, { user_id: userId })
      if (!(await deleteKeypair(database.db, userId, request.params['name']!)))
        throw missing(request.params['name']!, userId)
      return { status: request.version.has('keypair-type') ? 204 : 202 }
    },
  }),
]
