import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { checkDeclared } from '../../../../base/disk-formats/check-declared.ts'
import { DiskInspector } from '../../../../base/disk-formats/inspector.ts'
import { buildIso } from '../../../../host/iso.ts'
import { createImage, createOverlay, showImage } from '../../../../host/qemu-img.ts'
import { uuid } from '../../../../host/safe-text.ts'
import type { DesiredServer } from '../../rpc/conductor.ts'
import { DriverError, type Note } from '../driver.ts'
import type { GuestFolder } from './folder.ts'

type Image = NonNullable<DesiredServer['image']>
const gib = 1024 ** 3

/** Images on this host, each downloaded once and checked before anything opens it, and the disks made from them. */
export class Disks {
  readonly #base: string
  readonly #fetch: (id: string) => Promise<Readable>
  readonly #downloads = new Map<string, Promise<string>>()

  constructor(stateDir: string, fetchImage: (id: string) => Promise<Readable>) {
    this.#base = join(stateDir, '_base')
    this.#fetch = fetchImage
  }

  async makeRoot(server: DesiredServer, { disk }: GuestFolder, note: Note): Promise<void> {
    if (existsSync(disk)) return
    const fresh = `${disk}.new`
    await rm(fresh, { force: true })
    if (server.image === null) await createImage(fresh, { format: 'qcow2', size: Math.max(server.rootGb, 1) * gib })
    else await this.#overlay(server.image, server.rootGb, fresh, note)
    await rename(fresh, disk)
  }

  async makeConfigDrive(server: DesiredServer, { config }: GuestFolder): Promise<void> {
    if (server.configDrive === null || existsSync(config)) return
    const files = new Map(
      Object.entries(server.configDrive).map(([path, text]) => [path, Buffer.from(text, 'base64')] as const),
    )
    await buildIso(config, { label: 'config-2', files })
  }

  async #overlay(image: Image, rootGb: number, target: string, note: Note): Promise<void> {
    const format = diskFormat(image)
    const backingFile = await this.#cached(image, note)
    const { virtualSize } = await showImage(backingFile, format)
    const wanted = rootGb === 0 ? virtualSize : rootGb * gib
    if (virtualSize > wanted) {
      const sizes = `Flavor disk is ${wanted} bytes, image is ${virtualSize} bytes.`
      throw new DriverError(`Flavor's disk is too small for requested image. ${sizes}`, `image ${image.id}`)
    }
    await createOverlay(target, { backingFile, backingFormat: format, size: wanted })
  }

  /** Servers that wait for the same image share one download. */
  async #cached(image: Image, note: Note): Promise<string> {
    const file = join(this.#base, uuid('image id', image.id))
    if (existsSync(file)) return file
    let download = this.#downloads.get(image.id)
    if (!download) {
      download = this.#download(image, file, note).finally(() => this.#downloads.delete(image.id))
      this.#downloads.set(image.id, download)
    }
    return await download
  }

  async #download(image: Image, file: string, note: Note): Promise<string> {
    const started = Date.now()
    const part = `${file}.part`
    await mkdir(this.#base, { recursive: true, mode: 0o700 })
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
      if (!check.ok) throw new DriverError(`Image ${image.id} is unacceptable: ${check.reason}`, check.reason)
      await rename(part, file)
    } finally {
      await rm(part, { force: true })
    }
    note('download image', started)
    return file
  }
}

function diskFormat({ id, diskFormat: format }: Image): 'raw' | 'qcow2' {
  if (format === 'raw' || format === 'qcow2') return format
  throw new DriverError(`Image ${id} is unacceptable: this host boots only raw and qcow2 images.`, `format ${format}`)
}
