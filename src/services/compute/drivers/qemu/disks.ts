import { createHash } from 'node:crypto'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { checkDeclared } from '../../../../base/disk-formats/check-declared.ts'
import { DiskInspector } from '../../../../base/disk-formats/inspector.ts'
import type { RunAs } from '../../../../host/command.ts'
import { readTextIfThere, replaceFile } from '../../../../host/files.ts'
import { makeExt4Disk, makeSwapDisk } from '../../../../host/filesystem.ts'
import { buildIso } from '../../../../host/iso.ts'
import { createImage, createOverlay, showImage } from '../../../../host/qemu-img.ts'
import { uuid } from '../../../../host/safe-text.ts'
import type { DesiredServer } from '../../rpc/conductor.ts'
import { DriverError, type Note } from '../driver.ts'
import type { GuestFolder } from './folder.ts'
import { giveTo, shareWith } from './identity.ts'

type Image = NonNullable<DesiredServer['image']>
const everywhere = { isEverywhere: true }
const mib = 1024 ** 2
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

  /** Every disk of the server that is not there yet; all of them belong to QEMU's user then. */
  async make(server: DesiredServer, folder: GuestFolder, runAs: RunAs | undefined, note: Note): Promise<void> {
    // An empty one in its place would look like the server that its owner had.
    if (server.isBuilt && !existsSync(folder.disk))
      throw new DriverError('The disk of the server is not on its host.', `${folder.disk} is missing`)
    await makeOnce(folder.disk, (fresh) => this.#makeRoot(server, fresh, note))
    const { ephemeralGb, swapMb } = server
    // The label is nova's, by which guests find it.
    const ephemeral = { size: ephemeralGb * gib, label: 'ephemeral0' }
    if (ephemeralGb > 0) await makeOnce(folder.ephemeral, (fresh) => makeExt4Disk(fresh, ephemeral))
    if (swapMb > 0) await makeOnce(folder.swap, (fresh) => makeSwapDisk(fresh, { size: swapMb * mib }))
    await makeConfigDrive(server, folder)
    for (const file of [folder.disk, folder.ephemeral, folder.swap, folder.config]) {
      if (existsSync(file)) await giveTo(runAs, file)
    }
    if (server.image === null) return
    await shareWith(runAs, this.#base, 0o710)
    const backing = this.#fileOf(server.image)
    if (existsSync(backing)) await shareWith(runAs, backing, 0o640)
  }

  async #makeRoot({ image, rootGb }: DesiredServer, target: string, note: Note): Promise<void> {
    if (image === null) return await createImage(target, { format: 'qcow2', size: Math.max(rootGb, 1) * gib })
    const format = diskFormat(image)
    const backingFile = await this.#cached(image, note)
    const { virtualSize } = await showImage(backingFile, format)
    const wanted = rootGb === 0 ? virtualSize : rootGb * gib
    if (virtualSize > wanted) {
      const sizes = `Flavor disk is ${wanted} bytes, image is ${virtualSize} bytes.`
      throw new DriverError(`Flavor's disk is too small for requested image. ${sizes}`, `image ${image.id}`, everywhere)
    }
    await createOverlay(target, { backingFile, backingFormat: format, size: wanted })
  }

  #fileOf({ id }: Image): string {
    return join(this.#base, uuid('image id', id))
  }

  /** Servers that wait for the same image share one download. */
  async #cached(image: Image, note: Note): Promise<string> {
    const file = this.#fileOf(image)
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
    await mkdir(this.#base, { recursive: true, mode: 0o710 })
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
      if (!check.ok)
        throw new DriverError(`Image ${image.id} is unacceptable: ${check.reason}`, check.reason, everywhere)
      await rename(part, file)
    } finally {
      await rm(part, { force: true })
    }
    note('download image', started)
    return file
  }
}

/** A disk has its name only once it is whole. */
async function makeOnce(file: string, make: (fresh: string) => Promise<void>): Promise<void> {
  if (existsSync(file)) return
  const fresh = `${file}.new`
  await rm(fresh, { force: true })
  try {
    await make(fresh)
    await rename(fresh, file)
  } finally {
    await rm(fresh, { force: true })
  }
}

/** Made again when its content changed: keys, metadata or ports may have, since the guest last started. */
async function makeConfigDrive({ configDrive }: DesiredServer, folder: GuestFolder): Promise<void> {
  if (configDrive === null) return
  const digest = createHash('sha256').update(JSON.stringify(configDrive)).digest('hex')
  if (existsSync(folder.config) && (await readTextIfThere(folder.configDigest)) === digest) return
  const files = new Map(Object.entries(configDrive).map(([path, text]) => [path, Buffer.from(text, 'base64')] as const))
  await buildIso(folder.config, { label: 'config-2', files })
  await replaceFile(folder.configDigest, digest, 0o600)
}

function diskFormat({ id, diskFormat: format }: Image): 'raw' | 'qcow2' {
  if (format === 'raw' || format === 'qcow2') return format
  throw new DriverError(`Image ${id} is unacceptable: this host boots only raw and qcow2 images.`, `format ${format}`)
}
