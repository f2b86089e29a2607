/** Images on this host: each downloaded once, checked before anything opens it, and made what QEMU runs from. */
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, open, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { checkDeclared } from '../../../../base/disk-formats/check-declared.ts'
import { DiskInspector } from '../../../../base/disk-formats/inspector.ts'
import { CommandFailed, type RunAs } from '../../../../host/command.ts'
import { convertImage, showImage, type ImageFormat } from '../../../../host/qemu-img.ts'
import type { DiskFormat } from '../../../../host/qemu-arguments.ts'
import { uuid } from '../../../../host/safe-text.ts'
import type { DesiredServer } from '../../rpc/conductor.ts'
import { DriverError, type Note } from '../driver.ts'
import { giveTo, shareWith } from './identity.ts'

export type Image = NonNullable<DesiredServer['image']>
export interface Base {
  file: string
  format: DiskFormat
  virtualSize: number
}

const everywhere = { isEverywhere: true }

/** glance's name of a format to QEMU's. What is not here cannot be a disk. */
const formats: Readonly<Record<string, ImageFormat>> = {
  raw: 'raw',
  gpt: 'raw',
  iso: 'raw',
  ami: 'raw',
  qcow2: 'qcow2',
  vmdk: 'vmdk',
  vdi: 'vdi',
  vhd: 'vpc',
  vhdx: 'vhdx',
}

/** Formats of images that servers can be made from. */
export const diskFormats = Object.keys(formats)

export class ImageCache {
  readonly #folder: string
  readonly #fetch: (id: string) => Promise<Readable>
  readonly #running = new Map<string, Promise<void>>()

  constructor(folder: string, fetchImage: (id: string) => Promise<Readable>) {
    this.#folder = folder
    this.#fetch = fetchImage
  }

  /** The base of a disk of at most `limit` bytes, or of any size that there is room for. */
  async get(image: Image, limit: number | undefined, runAs: RunAs | undefined, note: Note): Promise<Base> {
    const format = formatOf(image)
    const file = this.#fileOf(image)
    const isConverted = format !== 'raw' && format !== 'qcow2'
    const source = isConverted ? `${file}.${format}` : file
    await mkdir(this.#folder, { recursive: true, mode: 0o710 })
    if (!existsSync(file)) {
      await shareWith(runAs, this.#folder, 0o710)
      await this.#once(source, () => this.#download(image, source, note))
      if (isConverted) {
        await this.#requireFit(image, source, format, limit)
        await this.#once(file, () => convert(image, { source, file, format }, runAs, note))
      }
    }
    const made: Base['format'] = format === 'qcow2' ? 'qcow2' : 'raw'
    const virtualSize = await this.#requireFit(image, file, made, limit)
    return { file, format: made, virtualSize }
  }

  /** Lets QEMU's user read the base of a disk that is there; who that is may have changed since it was made. */
  async share(image: Image, runAs: RunAs | undefined): Promise<void> {
    const file = this.#fileOf(image)
    if (!existsSync(file)) return
    await shareWith(runAs, this.#folder, 0o710)
    await shareWith(runAs, file, 0o640)
  }

  #fileOf({ id }: Image): string {
    return join(this.#folder, uuid('image id', id))
  }

  /** Servers that wait for the same file share the work. */
  async #once(file: string, make: () => Promise<void>): Promise<void> {
    let running = this.#running.get(file)
    if (!running) {
      running = existsSync(file) ? Promise.resolve() : make()
      this.#running.set(file, running)
      void running.catch(() => undefined).finally(() => this.#running.delete(file))
    }
    await running
  }

  async #download(image: Image, file: string, note: Note): Promise<void> {
    const started = Date.now()
    const part = `${file}.part`
    const inspector = new DiskInspector()
    const inspect = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        inspector.write(chunk)
        done(null, chunk)
      },
    })
    try {
      await pipeline(await this.#fetch(image.id), inspect, createWriteStream(part, { mode: 0o600 }))
      const check = checkDeclared(inspector.end(), image.diskFormat)
      if (!check.ok) throw unacceptable(image, check.reason)
      await rename(part, file)
    } finally {
      await rm(part, { force: true })
    }
    note('download image', started)
  }

  async #requireFit(image: Image, file: string, format: ImageFormat, limit: number | undefined): Promise<number> {
    const { virtualSize } = await showImage(file, format)
    if (limit !== undefined && virtualSize > limit) {
      const sizes = `Flavor disk is ${limit} bytes, image is ${virtualSize} bytes.`
      const message = `Flavor's disk is too small for requested image. ${sizes}`
      throw new DriverError(message, `image ${image.id}`, everywhere)
    }
    if (limit !== undefined || format === 'raw' || format === 'qcow2') return virtualSize
    // No flavor bounds what it unpacks to.
    const { bavail, bsize } = await statfs(this.#folder)
    if (virtualSize > bavail * bsize) {
      const message = `Image ${image.id} needs ${virtualSize} bytes, which the host does not have.`
      throw new DriverError(message, `${bavail * bsize} bytes are free`)
    }
    return virtualSize
  }
}

/** Source is what was downloaded and checked; it goes when its raw form is whole. A cut conversion starts again. */
async function convert(
  image: Image,
  { source, file, format }: { source: string; file: string; format: ImageFormat },
  runAs: RunAs | undefined,
  note: Note,
): Promise<void> {
  const started = Date.now()
  const part = `${file}.raw`
  try {
    const { virtualSize, backingFile } = await showImage(source, format)
    if (backingFile !== undefined) throw unacceptable(image, 'it has a backing file')
    await rm(part, { force: true })
    const handle = await open(part, 'wx', 0o600)
    await handle.truncate(virtualSize).finally(() => handle.close())
    await giveTo(runAs, part)
    await shareWith(runAs, source, 0o640)
    const limits = { fileSizeBytes: Math.max(virtualSize, 1) }
    await convertImage(source, part, { from: format, to: 'raw', isFilled: true, limits, ...(runAs && { runAs }) })
    await rename(part, file)
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.reason !== 'exit') throw error
    throw new DriverError(`Image ${image.id} is unacceptable: it cannot be converted to raw.`, error.message, {
      cause: error,
      ...(!error.stderr.includes('No space left') && everywhere),
    })
  } finally {
    await rm(part, { force: true })
  }
  await rm(source, { force: true })
  note('convert image', started)
}

function formatOf(image: Image): ImageFormat {
  const format = Object.hasOwn(formats, image.diskFormat) ? formats[image.diskFormat] : undefined
  if (format === undefined) throw unacceptable(image, `a disk cannot be of the format ${image.diskFormat}`)
  return format
}

const unacceptable = ({ id }: Image, reason: string) =>
  new DriverError(`Image ${id} is unacceptable: ${reason}`, reason, everywhere)
