/** Files in one folder (local or NFS), named by image id; uploads go to `<id>.part` and appear in one step. */
import { mkdirSync } from 'node:fs'
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Readable } from 'node:stream'
import { FileSource } from '../../../base/file-source.ts'
import { DataNotFound, StoreFull, type ByteRange, type ImageStore, type Place, type StoreWriter } from './store.ts'

export interface FileStoreOptions {
  id: string
  folder: string
  description?: string
  weight?: number
}

/** Written bytes are handed to the disk in portions of this size, so that the last sync has little left to do. */
const syncEvery = 64 * 1024 * 1024

export class FileStore implements ImageStore {
  readonly id: string
  readonly type = 'file'
  readonly description: string
  readonly weight: number
  readonly isReadOnly = false
  readonly isLocal = true
  readonly #folder: string

  constructor({ id, folder, description = '', weight = 0 }: FileStoreOptions) {
    this.id = id
    this.#folder = folder
    this.description = description
    this.weight = weight
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  get properties() {
    return { data_dir: this.#folder, chunk_size: 65536, thin_provisioning: false }
  }

  async begin(imageId: string): Promise<StoreWriter> {
    const part = `${this.path(imageId)}.part`
    return new FileWriter(await open(part, 'w', 0o600), part, this.path(imageId), this.#folder)
  }

  async read({ imageId }: Place, range?: ByteRange): Promise<Readable> {
    const handle = await open(this.path(imageId), 'r').catch(() => undefined)
    if (!handle) throw new DataNotFound(imageId, this.id)
    return new FileSource(handle, range)
  }

  async size({ imageId }: Place): Promise<number | undefined> {
    return (await stat(this.path(imageId)).catch(() => undefined))?.size
  }

  async remove({ imageId }: Pick<Place, 'imageId'>): Promise<void> {
    await rm(`${this.path(imageId)}.part`, { force: true })
    await rm(this.path(imageId), { force: true })
  }

  async list(): Promise<string[]> {
    const names = (await readdir(this.#folder)).map((name) => name.replace(/\.part$/, ''))
    return [...new Set(names)].filter((name) => isId(name))
  }

  /** Ids come from this service alone; anything else never becomes a path. */
  path(id: string): string {
    if (!isId(id)) throw new Error('an image id is a UUID')
    return join(this.#folder, id)
  }
}

const isId = (name: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name)

class FileWriter implements StoreWriter {
  readonly #handle: FileHandle
  readonly #part: string
  readonly #file: string
  readonly #folder: string
  #position = 0
  #synced = 0
  #syncing: Promise<void> = Promise.resolve()

  constructor(handle: FileHandle, part: string, file: string, folder: string) {
    this.#handle = handle
    this.#part = part
    this.#file = file
    this.#folder = folder
  }

  async write(bytes: Uint8Array): Promise<void> {
    const at = this.#position
    this.#position += bytes.length
    try {
      for (let done = 0; done < bytes.length;) {
        done += (await this.#handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten
      }
    } catch (error) {
      throw fullOr(error)
    }
    if (this.#position - this.#synced < syncEvery) return
    this.#synced = this.#position
    this.#syncing = this.#syncing.then(() => this.#handle.datasync())
    this.#syncing.catch(() => undefined) // told by finish
  }

  async finish(): Promise<string> {
    await this.#syncing
    await this.#handle.sync()
    await this.#handle.close()
    await rename(this.#part, this.#file)
    const folder = await open(this.#folder, 'r')
    await folder.sync().finally(() => folder.close())
    return pathToFileURL(this.#file).href
  }

  async abort(): Promise<void> {
    await this.#syncing.catch(() => undefined)
    await this.#handle.close().catch(() => undefined)
    await rm(this.#part, { force: true })
  }
}

const fullOr = (error: unknown): unknown =>
  ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '')
    ? new StoreFull('no space is left', { cause: error })
    : error
