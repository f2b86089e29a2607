/** A file that is being written: it has a name only when all of it, and the name, is on the disk. */
import { randomBytes } from 'node:crypto'
import { appendFile, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { asDeviceError, makeFolder, syncFolder } from './devices.ts'
import { writeMetadata, type Metadata } from './metadata.ts'

export class Draft {
  readonly #handle: FileHandle
  readonly #path: string
  #isDone = false

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle
    this.#path = path
  }

  /** Throws DeviceError. */
  async write(chunk: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < chunk.length;) at += (await this.#handle.write(chunk, at)).bytesWritten
    } catch (error) {
      throw asDeviceError(error, this.#path)
    }
  }

  /** Gives it its name in a folder of an object. Throws DeviceError. */
  async commit(folder: string, name: string, metadata: Metadata): Promise<void> {
    try {
      writeMetadata(this.#path, metadata)
      await this.#handle.sync()
      await makeFolder(folder)
      await rename(this.#path, join(folder, name))
      this.#isDone = true
      await syncFolder(folder)
      await noteChange(folder)
    } catch (error) {
      throw asDeviceError(error, this.#path)
    }
  }

  /** Leaves nothing behind where it was not committed. */
  async close(): Promise<void> {
    await this.#handle.close()
    if (!this.#isDone) await rm(this.#path, { force: true })
  }
}

/** Throws DeviceError. */
export async function openDraft(device: string, temporary = 'tmp'): Promise<Draft> {
  const folder = join(device, temporary)
  const path = join(folder, randomBytes(12).toString('hex'))
  const create = () => open(path, 'wx', 0o600)
  try {
    return new Draft(await create(), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asDeviceError(error, path)
    await makeFolder(folder)
    return new Draft(await create(), path)
  }
}

/** Replicators compare hashes of folders that they keep; this one is to be made anew. */
export async function noteChange(folder: string): Promise<void> {
  const suffix = dirname(folder)
  await appendFile(join(dirname(suffix), 'hashes.invalid'), `${basename(suffix)}\n`, { mode: 0o600 })
}
