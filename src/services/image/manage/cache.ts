/** glance-cache-manage, -prefetcher, -pruner, -cleaner: the copies of images on this host. */
import { CommandFailed, type Command, type CommandTable } from '../../../platform/manage/command.ts'
import { prefetch } from '../cache/worker.ts'
import type { ImageDeps } from '../deps.ts'
import { findImage } from '../store/images.ts'
import { withImage } from './environment.ts'

const time = (ms: number) => new Date(Number(ms)).toISOString().slice(0, 19)

const force = { force: { help: 'ignored: nothing is asked' } }

/** A command about one image. */
const aboutImage = (summary: string, work: (deps: ImageDeps, id: string) => Promise<string>): Command => ({
  summary,
  options: force,
  positionals: 'IMAGE_ID',
  async run(args, env) {
    const [id] = args.positionals
    if (id === undefined || !/^[0-9a-f-]{36}$/i.test(id)) throw new CommandFailed('Please specify the ID of the image')
    env.print(await withImage(env, (deps) => work(deps, id.toLowerCase())))
  },
})

const plain = (summary: string, work: (deps: ImageDeps) => Promise<readonly string[]>): Command => ({
  summary,
  options: force,
  async run(_args, env) {
    for (const line of await withImage(env, work)) env.print(line)
  },
})

const remove = (state: 'cached' | 'queued') =>
  aboutImage(`Removes an image from the ${state === 'cached' ? 'cache' : 'queue'}.`, async ({ cache }, id) => {
    const rows = (await cache.list())[state]
    if (!rows.some((row) => row.image_id === id)) throw new CommandFailed(`Image ${id} is not ${state}`)
    await cache.remove(id)
    return `Deleted ${state} image ${id}`
  })

export const glanceCacheManage: CommandTable = {
  'list-cached': plain('Lists the images in the cache.', async ({ cache }) => {
    const { cached } = await cache.list()
    if (cached.length === 0) return ['No cached images.']
    return cached.map((row) =>
      [row.image_id, time(row.last_accessed), time(row.last_modified), row.size, row.hits].map(String).join('  '),
    )
  }),
  'list-queued': plain('Lists the images that wait to be copied.', async ({ cache }) => {
    const { queued } = await cache.list()
    return queued.length === 0 ? ['No images are queued for caching.'] : queued.map((row) => row.image_id)
  }),
  'queue-image': aboutImage('Asks for a copy of an image.', async ({ cache, database }, id) => {
    if ((await findImage(database.db, id))?.status !== 'active') throw new CommandFailed(`Image ${id} is not active`)
    await cache.queue(id)
    return `Queued image ${id} for caching`
  }),
  'delete-cached-image': remove('cached'),
  'delete-queued-image': remove('queued'),
  'delete-all-cached-images': plain('Empties the cache.', async ({ cache }) => [
    `Deleted ${await cache.clear('cached')} cached images`,
  ]),
  'delete-all-queued-images': plain('Empties the queue.', async ({ cache }) => [
    `Deleted ${await cache.clear('queued')} queued images`,
  ]),
}

/** Programs that do one thing: the command is called `run`. */
export const glanceCachePrefetcher: CommandTable = {
  run: plain('Copies every queued image into the cache.', async (deps) => {
    const { queued } = await deps.cache.list()
    let done = 0
    for (const row of queued) if (await prefetch(deps, row.image_id)) done++
    return [`Copied ${done} of ${queued.length} images`]
  }),
}

export const glanceCachePruner: CommandTable = {
  run: plain('Makes the cache as small as image_cache_max_size says.', async ({ cache }) => {
    const { files, bytes } = await cache.prune()
    return [`Pruned ${files} images of ${bytes} bytes`]
  }),
}

export const glanceCacheCleaner: CommandTable = {
  run: plain('Removes files that are no copy of anything.', async ({ cache }) => [
    `Removed ${await cache.clean()} files and entries`,
  ]),
}
