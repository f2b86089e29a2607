import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { RunAs } from '../../../../host/command.ts'
import { readTextIfThere, replaceFile } from '../../../../host/files.ts'
import { makeExt4Disk, makeSwapDisk } from '../../../../host/filesystem.ts'
import { createImage, createOverlay } from '../../../../host/qemu-img.ts'
import { buildVolume } from '../../../../host/volume.ts'
import type { DesiredServer } from '../../rpc/conductor.ts'
import { DriverError, type Note } from '../driver.ts'
import type { GuestFolder } from './folder.ts'
import { giveTo } from './identity.ts'
import { ImageCache } from './image-cache.ts'
import { isMedium } from './spec.ts'

const mib = 1024 ** 2
const gib = 1024 ** 3

/** The disks of servers, made from the images of this host. */
export class Disks {
  readonly #images: ImageCache

  constructor(stateDir: string, fetchImage: (id: string) => Promise<Readable>) {
    this.#images = new ImageCache(join(stateDir, '_base'), fetchImage)
  }

  /** Every disk of the server that is not there yet; all of them belong to QEMU's user then. */
  async make(server: DesiredServer, folder: GuestFolder, runAs: RunAs | undefined, note: Note): Promise<void> {
    // An empty one in its place would look like the server that its owner had.
    if (server.isBuilt && !existsSync(folder.disk))
      throw new DriverError('The disk of the server is not on its host.', `${folder.disk} is missing`)
    await makeOnce(folder.disk, (fresh) => this.#makeRoot(server, fresh, runAs, note))
    const { ephemeralGb, swapMb } = server
    // The label is nova's, by which guests find it.
    const ephemeral = { size: ephemeralGb * gib, label: 'ephemeral0' }
    if (ephemeralGb > 0) await makeOnce(folder.ephemeral, (fresh) => makeExt4Disk(fresh, ephemeral))
    if (swapMb > 0) await makeOnce(folder.swap, (fresh) => makeSwapDisk(fresh, { size: swapMb * mib }))
    await makeConfigDrive(server, folder)
    for (const file of [folder.disk, folder.ephemeral, folder.swap, folder.config]) {
      if (existsSync(file)) await giveTo(runAs, file)
    }
    if (server.image !== null) await this.#images.share(server.image, runAs)
  }

  async #makeRoot(
    { image, rootGb }: DesiredServer,
    target: string,
    runAs: RunAs | undefined,
    note: Note,
  ): Promise<void> {
    if (image === null) return await createImage(target, { format: 'qcow2', size: Math.max(rootGb, 1) * gib })
    const limit = rootGb === 0 ? undefined : rootGb * gib
    const { file, format, virtualSize } = await this.#images.get(image, limit, runAs, note)
    // A medium to install from is as large as it is.
    const size = isMedium(image) ? virtualSize : (limit ?? virtualSize)
    await createOverlay(target, { backingFile: file, backingFormat: format, size })
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
  const contents = configDrive.contents.map((text) => Buffer.from(text, 'base64'))
  const files = new Map(Object.entries(configDrive.files).map(([path, index]) => [path, contents[index]!] as const))
  await buildVolume(folder.config, { format: configDrive.format, label: 'config-2', files })
  await replaceFile(folder.configDigest, digest, 0o600)
}
