/** The copies of images on this host. */
import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { Conflict } from '../../../../platform/errors.ts'
import { route } from '../route.ts'
import { ImageMissing, InvalidImage } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { findImage } from '../../store/images.ts'

const cachedImage = exactly({
  image_id: Type.String(),
  hits: Type.Integer(),
  last_accessed: Type.Number(),
  last_modified: Type.Number(),
  size: Type.Integer(),
})
const cacheAnswer = exactly({ cached_images: Type.Array(cachedImage), queued_images: Type.Array(Type.String()) })
const pruneAnswer = exactly({ total_files_pruned: Type.Integer(), total_bytes_pruned: Type.Integer() })

const notFound = (id: string) => new ImageMissing(`Image ${id} not found.`)
const seconds = (ms: number) => Number(ms) / 1000

const state = route({
  method: 'GET',
  path: '/cache',
  policy: policy('cache_list'),
  answer: { 200: cacheAnswer },
  async handle({ ctx }, { cache }) {
    ctx.authorize(policy('cache_list'))
    const { cached, queued } = await cache.list()
    return {
      status: 200,
      body: {
        cached_images: cached.map((row) => ({
          image_id: row.image_id,
          hits: Number(row.hits),
          last_accessed: seconds(row.last_accessed),
          last_modified: seconds(row.last_modified),
          size: Number(row.size),
        })),
        queued_images: queued.map((row) => row.image_id),
      },
    }
  },
})

const clear = route({
  method: 'DELETE',
  path: '/cache',
  policy: policy('cache_delete'),
  answer: { 204: null },
  async handle({ ctx, headers }, { cache }) {
    ctx.authorize(policy('cache_delete'))
    const header = headers['x-image-cache-clear-target']
    const target = typeof header === 'string' ? header.toLowerCase() : ''
    if (!['', 'cache', 'queue'].includes(target))
      throw new InvalidImage("If provided 'x-image-cache-clear-target' must be 'cache', 'queue' or empty string.")
    if (target !== 'queue') await cache.clear('cached')
    if (target !== 'cache') await cache.clear('queued')
    return { status: 204 }
  },
})

const queue = route({
  method: 'PUT',
  path: '/cache/:id',
  policy: policy('cache_image'),
  answer: { 202: null },
  async handle({ ctx, params }, { cache, database, cacheWorker }) {
    ctx.authorize(policy('cache_image'))
    const id = params.id
    const image = await findImage(database.db, id)
    if (!image) throw notFound(id)
    if (image.status !== 'active') throw new InvalidImage('Only images with status active can be targeted for queueing')
    await cache.queue(id)
    cacheWorker.wake()
    return { status: 202 }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/cache/:id',
  policy: policy('cache_delete'),
  answer: { 204: null },
  async handle({ ctx, params }, { cache, database }) {
    ctx.authorize(policy('cache_delete'))
    const id = params.id
    if (await cache.has(id)) await cache.remove(id)
    else if (!(await findImage(database.db, id))) throw notFound(id)
    return { status: 204 }
  },
})

const clean = route({
  method: 'POST',
  path: '/cache/clean',
  policy: policy('cache_clean'),
  answer: { 200: null },
  async handle({ ctx }, { cache }) {
    ctx.authorize(policy('cache_clean'))
    await cache.clean()
    return { status: 200 }
  },
})

const prune = route({
  method: 'POST',
  path: '/cache/prune',
  policy: policy('cache_prune'),
  answer: { 200: pruneAnswer },
  async handle({ ctx }, { cache }) {
    ctx.authorize(policy('cache_prune'))
    const { files, bytes } = await cache.prune()
    return { status: 200, body: { total_files_pruned: files, total_bytes_pruned: bytes } }
  },
})

const nodes = route({
  method: 'GET',
  path: '/cache/nodes/:id',
  policy: policy('list_cached_nodes'),
  answer: {},
  handle({ ctx }) {
    ctx.authorize(policy('list_cached_nodes'))
    // Each host keeps the book of its own cache.
    throw new Conflict('Centralized caching is not enabled')
  },
})

export const cacheRoutes = [state, clear, queue, remove, clean, prune, nodes]
