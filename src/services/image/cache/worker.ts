/** Makes the copies that were asked for, one after the other. */
import type { ImageDeps, QueueWorker } from '../deps.ts'
import { openData } from '../operations/download.ts'
import { takeIn } from '../operations/intake.ts'
import { findImage } from '../store/images.ts'
import { fileStream } from './cache.ts'

type CacheDeps = Pick<ImageDeps, 'cache' | 'database' | 'stores' | 'digests' | 'log'>

export class CacheWorker implements QueueWorker {
  readonly #deps: CacheDeps
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(deps: CacheDeps) {
    this.#deps = deps
  }

  start(everyMs = 5_000) {
    this.#timer = setInterval(() => this.wake(), everyMs).unref()
  }

  wake() {
    this.#running ??= this.#work().finally(() => (this.#running = undefined))
  }

  async stop() {
    clearInterval(this.#timer)
    await this.#running
  }

  async #work() {
    const { queued } = await this.#deps.cache.list()
    for (const row of queued) await prefetch(this.#deps, row.image_id)
  }
}

/** Copies one image into the cache; what cannot be copied leaves the queue. False when it could not. */
export async function prefetch(deps: CacheDeps, imageId: string): Promise<boolean> {
  const { cache, database, log, digests } = deps
  const image = await findImage(database.db, imageId)
  if (!image || image.status !== 'active') {
    await cache.remove(imageId)
    return false
  }
  const nothing = { write: () => Promise.resolve() }
  const isRight = async (file: string) => {
    const found = await takeIn(digests, await fileStream(file), nothing, {
      algorithm: image.hash_algo ?? 'sha512',
      declared: undefined,
      ignoredProblems: [],
      limit: Infinity,
    })
    return image.hash_value === null || found.hash_value === image.hash_value
  }
  try {
    await cache.fill(image, async () => await openData({ ...deps, cache: noCache }, image), isRight)
    return true
  } catch (error) {
    log.warn({ err: error, image: imageId }, 'an image could not be copied into the cache')
    await cache.remove(imageId)
    return false
  }
}

/** So that a copy is never made of a copy. */
const noCache = { read: () => Promise.resolve(undefined), queue: () => Promise.resolve(false) } as never
