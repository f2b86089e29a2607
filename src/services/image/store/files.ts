/** The file store: one file an image, named by its id; uploads go to `<id>.part` and appear in one step. */
import { createReadStream, createWriteStream, mkdirSync, readdirSync } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

export class FileStore {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** Ids come from this service alone; anything else never becomes a path. */
  #path(id: string): string {
    if (!/^[0-9a-f-]{36}$/.test(id)) throw new Error('an image id is a UUID')
    return join(this.#folder, id)
  }

  write(id: string): Writable {
    return createWriteStream(`${this.#path(id)}.part`, { mode: 0o600, highWaterMark: 1 << 20 })
  }

  /** Makes what was written the image's data, on disk for sure. */
  async commit(id: string): Promise<void> {
    const part = `${this.#path(id)}.part`
    const file = await open(part, 'r')
    await file.sync().finally(() => file.close())
    await rename(part, this.#path(id))
  }

  async discard(id: string): Promise<void> {
    await rm(`${this.#path(id)}.part`, { force: true })
  }

  async remove(id: string): Promise<void> {
    await this.discard(id)
    await rm(this.#path(id), { force: true })
  }

  async size(id: string): Promise<number | undefined> {
    return (await stat(this.#path(id)).catch(() => undefined))?.size
  }

  read(id: string, range?: { start: number; end: number }): Readable {
    return createReadStream(this.#path(id), { highWaterMark: 1 << 20, ...range })
  }

  /** Ids of all files, unfinished ones included. */
  list(): string[] {
    return [...new Set(readdirSync(this.#folder).map((name) => name.replace(/\.part$/, '')))]
  }
}
