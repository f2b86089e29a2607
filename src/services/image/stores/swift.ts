/**
 * Objects in one container of an object store. The data goes into segments; the object that carries the image's id names
 * them and is written last, so that an image is there whole or not at all.
 */
import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { DataNotFound, StoreFull, StoreUnavailable } from './store.ts'
import type { ByteRange, ImageStore, Place, StoreWriter } from './store.ts'
import { bodyOf, SwiftClient, type SwiftAccount } from './swift-client.ts'

export interface SwiftStoreOptions {
  id: string
  description?: string
  weight?: number
  account: SwiftAccount
  container: string
  createContainer: boolean
  /** Bytes of a segment. */
  segmentSize: number
}

export class SwiftStore implements ImageStore {
  readonly id: string
  readonly type = 'swift'
  readonly description: string
  readonly weight: number
  readonly isReadOnly = false
  readonly isLocal = false
  readonly #client: SwiftClient
  readonly #container: string
  readonly #createContainer: boolean
  readonly #segmentSize: number

  constructor(options: SwiftStoreOptions) {
    this.id = options.id
    this.description = options.description ?? ''
    this.weight = options.weight ?? 0
    this.#client = new SwiftClient(options.account)
    this.#container = encodeURIComponent(options.container)
    this.#createContainer = options.createContainer
    this.#segmentSize = options.segmentSize
  }

  get properties() {
    return {
      container: decodeURIComponent(this.#container),
      large_object_size: this.#segmentSize,
      large_object_chunk_size: this.#segmentSize,
    }
  }

  async begin(imageId: string): Promise<StoreWriter> {
    await this.#requireContainer()
    // Segments of an attempt that was cut must not become part of this one.
    await this.remove({ imageId })
    const url = `swift+config://${this.id}/${decodeURIComponent(this.#container)}/${imageId}`
    return new SwiftWriter(this.#client, `${this.#container}/${safe(imageId)}`, this.#segmentSize, url, () =>
      this.remove({ imageId }),
    )
  }

  async read({ imageId }: Pick<Place, 'imageId'>, range?: ByteRange): Promise<Readable> {
    const headers: Record<string, string> = range ? { Range: `bytes=${range.start}-${range.end}` } : {}
    const answer = await this.#client.send({ method: 'GET', path: this.#path(imageId), headers })
    if (answer.statusCode === (range ? 206 : 200)) return answer
    answer.resume()
    if (answer.statusCode === 404) throw new DataNotFound(imageId, this.id)
    throw unavailable(answer)
  }

  async size({ imageId }: Pick<Place, 'imageId'>): Promise<number | undefined> {
    const answer = await this.#client.send({ method: 'HEAD', path: this.#path(imageId) })
    answer.resume()
    if (answer.statusCode === 404) return undefined
    if (answer.statusCode !== 200) throw unavailable(answer)
    return Number(answer.headers['content-length'])
  }

  async remove({ imageId }: Pick<Place, 'imageId'>): Promise<void> {
    await this.#delete(this.#path(imageId))
    for (let names = await this.#segments(imageId); names.length > 0; names = await this.#segments(imageId))
      for (const name of names) await this.#delete(`${this.#container}/${encodeURIComponent(name)}`)
  }

  async #segments(imageId: string): Promise<string[]> {
    const path = `${this.#container}?format=json&limit=1000&prefix=${safe(imageId)}-`
    const answer = await this.#client.send({ method: 'GET', path })
    if (answer.statusCode === 404 || answer.statusCode === 204) return (answer.resume(), [])
    if (answer.statusCode !== 200) throw unavailable(answer.resume())
    return (JSON.parse(await bodyOf(answer)) as { name: string }[]).map(({ name }) => name)
  }

  async #delete(path: string) {
    const answer = await this.#client.send({ method: 'DELETE', path })
    answer.resume()
    if (![200, 202, 204, 404].includes(answer.statusCode ?? 0)) throw unavailable(answer)
  }

  async #requireContainer() {
    const there = await this.#client.send({ method: 'HEAD', path: this.#container })
    there.resume()
    if (there.statusCode !== 404) {
      if ((there.statusCode ?? 500) >= 300) throw unavailable(there)
      return
    }
    if (!this.#createContainer)
      throw new StoreUnavailable('the container does not exist; set swift_store_create_container_on_put')
    const made = await this.#client.send({ method: 'PUT', path: this.#container })
    made.resume()
    if ((made.statusCode ?? 500) >= 300) throw unavailable(made)
  }

  #path = (imageId: string) => `${this.#container}/${safe(imageId)}`
}

/** Ids come from this service alone; anything else never becomes a path. */
function safe(imageId: string): string {
  if (!/^[0-9a-f-]{36}$/.test(imageId)) throw new Error('an image id is a UUID')
  return imageId
}

const unavailable = (answer: IncomingMessage): Error =>
  answer.statusCode === 413 || answer.statusCode === 507
    ? new StoreFull('the object store is full')
    : new StoreUnavailable(`the object store answered ${answer.statusCode}`)

class SwiftWriter implements StoreWriter {
  readonly #client: SwiftClient
  readonly #path: string
  readonly #segmentSize: number
  readonly #url: string
  readonly #remove: () => Promise<void>
  #segment = 0
  #left = 0
  #open: { request: ClientRequest; answer: Promise<IncomingMessage> } | undefined

  constructor(client: SwiftClient, path: string, segmentSize: number, url: string, remove: () => Promise<void>) {
    this.#client = client
    this.#path = path
    this.#segmentSize = segmentSize
    this.#url = url
    this.#remove = remove
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length;) {
      this.#open ??= await this.#begin()
      // The caller may change the bytes afterwards, and the socket may still hold them.
      const part = Buffer.from(bytes.subarray(offset, offset + this.#left))
      const { request, answer } = this.#open
      if (!request.write(part)) await Promise.race([once(request, 'drain'), answer])
      offset += part.length
      this.#left -= part.length
      if (this.#left === 0) await this.#end()
    }
  }

  #begin() {
    this.#segment++
    this.#left = this.#segmentSize
    const path = `${this.#path}-${String(this.#segment).padStart(5, '0')}`
    return this.#client.open({ method: 'PUT', path, headers: { 'Content-Type': 'application/octet-stream' } })
  }

  async #end() {
    if (!this.#open) return
    const { request, answer } = this.#open
    this.#open = undefined
    request.end()
    const { statusCode } = (await answer).resume()
    if (statusCode !== 201) throw unavailable(await answer)
  }

  async finish(): Promise<string> {
    await this.#end()
    const answer = await this.#client.send({
      method: 'PUT',
      path: this.#path,
      headers: { 'X-Object-Manifest': `${this.#path}-`, 'Content-Length': '0' },
    })
    if (answer.resume().statusCode !== 201) throw unavailable(answer)
    return this.#url
  }

  async abort(): Promise<void> {
    this.#open?.request.destroy()
    await this.#open?.answer.catch(() => undefined)
    this.#open = undefined
    await this.#remove().catch(() => undefined) // the record of the location says that it has to go
  }
}
