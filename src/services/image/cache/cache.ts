/**
 * Copies of images on this host, for stores that are slow to read. A copy is checked block by block as it is read: a
 * block that is not what it was is read from its store instead, and the copy goes.
 */
import { once } from 'node:events'
import { createReadStream, mkdirSync } from 'node:fs'
import { open, readdir, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { Database } from '../../../platform/db/database.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { findCached, forgetCached, listCached, noteHit, saveCached } from '../store/cached-images.ts'
import type { Image } from '../store/images.ts'
import type { ImageSchema } from '../store/tables.ts'
import type { ByteRange } from '../stores/store.ts'

export interface CacheOptions {
  database: Database<ImageSchema>
  folder: string
  maxSize: number
  stallSeconds: number
  log: Logger
}

/** Reads the image's data from its stores. */
export type Source = (range?: ByteRange) => Promise<Readable>

const blockSize = 1 << 20

export class ImageCache {
  readonly #database: Database<ImageSchema>
  readonly #folder: string
  readonly #maxSize: number
  readonly #stallSeconds: number
  readonly #log: Logger

  constructor({ database, folder, maxSize, stallSeconds, log }: CacheOptions) {
    this.#database = database
    this.#folder = folder
    this.#maxSize = maxSize
    this.#stallSeconds = stallSeconds
    this.#log = log
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** The data from the cache, or undefined where it has no whole copy. */
  async read(image: Image, range: ByteRange | undefined, source: Source): Promise<Readable | undefined> {
    const row = await this.#find(image.id)
    if (row?.state !== 'cached' || Number(row.size) !== Number(image.size)) return undefined
    const sums = await this.#sums(image)
    if (!sums) {
      await this.remove(image.id)
      return undefined
    }
    const handle = await open(this.#file(image.id), 'r').catch(() => undefined)
    if (!handle) return undefined
    await noteHit(this.#database.db, row, Date.now())
    const whole = { start: 0, end: Number(image.size) - 1 }
    return Readable.from(this.#checked(image, handle, sums, range ?? whole, source), {
      objectMode: false,
      highWaterMark: blockSize,
    })
  }

  async *#checked(image: Image, handle: FileHandle, sums: number[], range: ByteRange, source: Source) {
    try {
      for (let index = Math.floor(range.start / blockSize); index * blockSize <= range.end; index++) {
        const begin = index * blockSize
        const length = Math.min(blockSize, Number(image.size) - begin)
        const block = Buffer.allocUnsafe(length)
        const { bytesRead } = await handle.read(block, 0, length, begin)
        const from = Math.max(range.start, begin)
        if (bytesRead !== length || crc32(block) !== sums[index]) {
          this.#log.warn({ image: image.id, block: index }, 'a cached image is corrupt: it is read from its store')
          await this.remove(image.id)
          await this.queue(image.id)
          yield* await source({ start: from, end: range.end })
          return
        }
        yield block.subarray(from - begin, Math.min(length, range.end - begin + 1))
      }
    } finally {
      await handle.close()
    }
  }

  /** Asks for a copy to be made; true when it was not there. */
  async queue(imageId: string): Promise<boolean> {
    if (await this.#find(imageId)) return false
    const now = Date.now()
    const row = {
      image_id: imageId,
      state: 'queued' as const,
      size: 0,
      hits: 0,
      last_accessed: now,
      last_modified: now,
    }
    await saveCached(this.#database, row)
    return true
  }

  /** Copies an image. Rejects, and keeps nothing, when the data is not what the image's hash says. */
  async fill(image: Image, source: Source, check: (file: string) => Promise<boolean>): Promise<void> {
    const part = `${this.#file(image.id)}.part`
    const handle = await open(part, 'w', 0o600)
    const sums: number[] = []
    let size = 0
    try {
      for await (const block of blocks(await source())) {
        sums.push(crc32(block))
        size += block.length
        await handle.writeFile(block)
      }
      await handle.sync()
      await handle.close()
      if (size !== Number(image.size) || !(await check(part)))
        throw new Error(`the data of image ${image.id} is not what its hash says`)
      await writeFile(`${this.#file(image.id)}.sums`, JSON.stringify({ hash: image.hash_value, sums }), { mode: 0o600 })
      await rename(part, this.#file(image.id))
    } catch (error) {
      await handle.close().catch(() => undefined)
      await this.#deleteFiles(image.id)
      throw error
    }
    const now = Date.now()
    await saveCached(this.#database, {
      image_id: image.id,
      state: 'cached',
      size,
      hits: 0,
      last_accessed: now,
      last_modified: now,
    })
  }

  async list() {
    const rows = await listCached(this.#database.db)
    return {
      cached: rows.filter((row) => row.state === 'cached'),
      queued: rows.filter((row) => row.state === 'queued'),
    }
  }

  async has(imageId: string): Promise<boolean> {
    return (await this.#find(imageId)) !== undefined
  }

  async remove(imageId: string): Promise<void> {
    await forgetCached(this.#database.db, imageId)
    await this.#deleteFiles(imageId)
  }

  /** Empties the cache, its queue, or both. */
  async clear(what: 'cached' | 'queued'): Promise<number> {
    const rows = (await this.list())[what]
    for (const row of rows) await this.remove(row.image_id)
    return rows.length
  }

  /** Removes what was not read for longest until the rest fits; returns how much went. */
  async prune(): Promise<{ files: number; bytes: number }> {
    const { cached } = await this.list()
    let total = cached.reduce((sum, row) => sum + Number(row.size), 0)
    const gone = { files: 0, bytes: 0 }
    for (const row of cached.toSorted((a, b) => Number(a.last_accessed) - Number(b.last_accessed))) {
      if (total <= this.#maxSize) break
      await this.remove(row.image_id)
      total -= Number(row.size)
      gone.files++
      gone.bytes += Number(row.size)
    }
    return gone
  }

  /** Removes files without a row, rows without a file, and copies that have not grown for too long. */
  async clean(): Promise<number> {
    const { cached } = await this.list()
    const known = new Set(cached.map((row) => row.image_id))
    let removed = 0
    const names = await readdir(this.#folder)
    for (const name of names) {
      const id = name.replace(/\.(part|sums)$/, '')
      const age = Date.now() - ((await stat(join(this.#folder, name)).catch(() => undefined))?.mtimeMs ?? 0)
      const isStalled = name.endsWith('.part') && age > this.#stallSeconds * 1000
      if (known.has(id) && !isStalled) continue
      if (!known.has(id) && name.endsWith('.part') && !isStalled) continue
      await rm(join(this.#folder, name), { force: true })
      removed++
    }
    for (const row of cached) {
      if (names.includes(row.image_id)) continue
      await this.remove(row.image_id)
      removed++
    }
    return removed
  }

  #find(imageId: string) {
    return findCached(this.#database.db, imageId)
  }

  async #sums(image: Image): Promise<number[] | undefined> {
    try {
      const text = await readFile(`${this.#file(image.id)}.sums`, 'utf8')
      const { hash, sums } = JSON.parse(text) as { hash: string | null; sums: number[] }
      return hash === image.hash_value ? sums : undefined
    } catch {
      return undefined
    }
  }

  async #deleteFiles(imageId: string) {
    const file = this.#file(imageId)
    for (const name of [file, `${file}.part`, `${file}.sums`]) await rm(name, { force: true })
  }

  /** Ids come from this service alone; anything else never becomes a path. */
  #file(imageId: string): string {
    if (!/^[0-9a-f-]{36}$/.test(imageId)) throw new Error('an image id is a UUID')
    return join(this.#folder, imageId)
  }
}

/** The stream in blocks of exactly `blockSize`, but for the last one. */
async function* blocks(stream: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    parts.push(chunk)
    size += chunk.length
    while (size >= blockSize) {
      const all = Buffer.concat(parts)
      yield all.subarray(0, blockSize)
      const rest = all.subarray(blockSize)
      parts = rest.length > 0 ? [rest] : []
      size = rest.length
    }
  }
  if (size > 0) yield Buffer.concat(parts)
}

/** A file as a stream, once it is open. */
export async function fileStream(file: string): Promise<Readable> {
  const stream = createReadStream(file, { highWaterMark: 1 << 18 })
  await once(stream, 'open')
  return stream
}
