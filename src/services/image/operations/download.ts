import type { Readable } from 'node:stream'
import type { ImageDeps } from '../deps.ts'
import { ImageMissing, StoreFailure } from '../errors.ts'
import type { Image } from '../store/images.ts'
import { DataNotFound, StoreUnavailable, type ByteRange } from '../stores/store.ts'

export interface DownloadOptions {
  range?: ByteRange
  /** Stores to try first. */
  preferred?: readonly string[]
}

/** The data of an image: from the cache, else from the first store that has it. Throws ImageMissing, StoreFailure. */
export async function openData(
  deps: Pick<ImageDeps, 'stores' | 'cache' | 'log'>,
  image: Image,
  { range, preferred = [] }: DownloadOptions = {},
): Promise<Readable> {
  const { stores, cache, log } = deps
  const fromStores = async (part?: ByteRange) => {
    let failure: unknown = new ImageMissing(`The data of image ${image.id} is not there.`)
    const ranked = image.locations.toSorted(
      (a, b) =>
        Number(preferred.includes(b.store)) - Number(preferred.includes(a.store)) ||
        (stores.get(b.store)?.weight ?? 0) - (stores.get(a.store)?.weight ?? 0),
    )
    for (const location of ranked) {
      const store = stores.get(location.store)
      try {
        if (!store) throw new StoreUnavailable(`there is no store '${location.store}'`)
        return { store, data: await store.read({ imageId: image.id, url: location.url }, part) }
      } catch (error) {
        log.warn({ err: error, image: image.id, store: location.store }, 'a copy of an image cannot be read')
        if (!(error instanceof DataNotFound))
          failure = new StoreFailure('The image store does not answer.', { cause: error })
      }
    }
    throw failure
  }
  if (preferred.length === 0) {
    const cached = await cache.read(image, range, async (part) => (await fromStores(part)).data)
    if (cached) return cached
  }
  const { store, data } = await fromStores(range)
  if (!store.isLocal && !range) await cache.queue(image.id)
  return data
}
