/** Data on a web server that somebody named: read only, and only through the fence. */
import type { Readable } from 'node:stream'
import { FenceError, fencedFetch, type FenceRules } from '../../../platform/http/fence.ts'
import { DataNotFound, StoreReadOnly, StoreUnavailable, type ByteRange, type ImageStore, type Place } from './store.ts'

export interface HttpStoreOptions {
  id: string
  description?: string
  weight?: number
  fence: FenceRules
}

export class HttpStore implements ImageStore {
  readonly id: string
  readonly type = 'http'
  readonly description: string
  readonly weight: number
  readonly isReadOnly = true
  readonly isLocal = false
  readonly properties = {}
  readonly #fence: FenceRules

  constructor({ id, description = '', weight = 0, fence }: HttpStoreOptions) {
    this.id = id
    this.description = description
    this.weight = weight
    this.#fence = fence
  }

  begin(): Promise<never> {
    return Promise.reject(new StoreReadOnly(this.id))
  }

  async read({ imageId, url }: Place, range?: ByteRange): Promise<Readable> {
    const headers: Record<string, string> = range ? { Range: `bytes=${range.start}-${range.end}` } : {}
    const answer = await this.#ask(url, { headers })
    if (answer.status === 404 || answer.status === 410) {
      answer.body.destroy()
      throw new DataNotFound(imageId, this.id)
    }
    if (answer.status !== (range ? 206 : 200)) {
      answer.body.destroy()
      throw new StoreUnavailable(`the server of image ${imageId} answered ${answer.status}`)
    }
    return answer.body
  }

  async size({ url }: Place): Promise<number | undefined> {
    // Some servers answer HEAD without a length, or not at all.
    for (const method of ['HEAD', 'GET'] as const) {
      const { status, headers, body } = await this.#ask(url, { method })
      body.destroy()
      const length = headers['content-length']
      if (status === 200 && length !== undefined) return Number(length)
    }
    return undefined
  }

  async remove(): Promise<void> {
    // What is on somebody else's server stays there.
  }

  async #ask(url: string, request: { headers?: Record<string, string>; method?: 'HEAD' | 'GET' }) {
    try {
      return await fencedFetch(url, this.#fence, request)
    } catch (cause) {
      if (cause instanceof FenceError) throw new StoreUnavailable(cause.message, { cause })
      throw cause
    }
  }
}
