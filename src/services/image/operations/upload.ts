/** PUT /file and /stage: all of the data or nothing. */
import type { Readable } from 'node:stream'
import { pass } from '../../../base/chunks.ts'
import { checkSignatureRequest } from './signature.ts'
import { ServiceError, Invalid } from '../../../platform/errors.ts'
import type { ImageDeps } from '../deps.ts'
import { ImageConflict, ImageGone, InvalidImage, StoreFailure, TooLarge } from '../errors.ts'
import { mayTakeBack, updateImage, type Image } from '../store/images.ts'
import { forgetLocations, insertLocation, setLocation } from '../store/locations.ts'
import { StoreFull, StoreReadOnly, StoreUnavailable, type ImageStore } from '../stores/store.ts'
import { takeIn, watchSpeed, type Found } from './intake.ts'
import { largestUpload, spend } from './quota.ts'
import { removeData } from './remove-data.ts'

export interface UploadOptions {
  /** Bytes that the client has announced. */
  size: number | undefined
  projectId: string
  /** Of a signed image, PEM. */
  certificate?: string | undefined
}

/** What the intake has to check for an image. */
export const declaredFormat = ({ config }: Pick<ImageDeps, 'config'>, image: Image): string | undefined =>
  image.container_format === 'bare' && config.requireFormatMatch ? (image.disk_format ?? undefined) : undefined

/** Throws InvalidImage unless the formats are set. */
export function requireFormats(image: Image) {
  const missing = (['disk_format', 'container_format'] as const).filter((name) => image[name] === null)
  if (missing.length === 0) return
  throw new InvalidImage(
    `${missing.length === 1 ? 'Property' : 'Properties'} ${missing.join(', ')} must be set prior to saving data.`,
  )
}

export const badTransition = (from: string, to: string) =>
  new ImageConflict(`Image status transition from ${from} to ${to} is not allowed`)

/** Puts data into a store. After any failure the image is `queued` again and no byte is kept. */
export async function upload(
  deps: ImageDeps,
  image: Image,
  store: ImageStore,
  data: Readable,
  { size, projectId, certificate }: UploadOptions,
): Promise<void> {
  const { database } = deps
  const worker = deps.leases.owner
  if (image.status !== 'queued') throw badTransition(image.status, 'saving')
  requireFormats(image)
  if (store.isReadOnly)
    throw new ServiceError('gone', 'Error in store configuration. Adding images to store is disabled.')
  const signature = checkSignatureRequest(deps, image, certificate)
  // Known before the image says so: a delete that sees it ends it.
  const transfer = deps.transfers.begin(image.id)
  const { limit, locationId } = await spend(
    deps,
    projectId,
    { image_size_total: size ?? 0, image_count_uploading: 1 },
    async (tx) => {
      const most = await largestUpload(deps, tx, projectId, size)
      const changes = { status: 'saving', reserved: size ?? 0, worker } as const
      if (!(await updateImage(tx, image.id, ['queued'], changes))) throw badTransition('saving', 'saving')
      await forgetLocations(tx, image.id, store.id)
      const id = await insertLocation(tx, { imageId: image.id, store: store.id, url: '', status: 'writing' })
      return { limit: most, locationId: id }
    },
  ).catch((error: unknown) => {
    transfer.end()
    throw error
  })
  try {
    const writer = await store.begin(image.id, size)
    let found: Found
    let url: string
    try {
      found = await takeIn(deps.digests, data, writer, {
        algorithm: deps.config.hashingAlgorithm,
        declared: declaredFormat(deps, image),
        ignoredProblems: deps.config.gptChecksNonfatal ? ['bad-mbr'] : [],
        limit,
        signal: transfer.signal,
        ...(signature && { signature: signature.stream }),
      })
      if (size !== undefined && found.size !== size)
        throw new InvalidImage(`The data has ${found.size} bytes and not ${size} as announced.`)
      await signature?.verify()
      transfer.signal.throwIfAborted()
      // From here on the data has the image's name in the store: it must not be another process's by now.
      if (!deps.leases.isHeld()) throw new ImageGone(image.id)
      url = await writer.finish()
    } catch (error) {
      signature?.stream.close()
      await writer.abort()
      throw error
    }
    // What was announced is reserved; what was not has to fit now.
    const isThere = await spend(
      deps,
      projectId,
      size === undefined ? { image_size_total: found.size } : {},
      async (tx) => {
        const changes = { status: 'active', reserved: 0, worker: null, ...found } as const
        if (!(await updateImage(tx, image.id, ['saving'], changes, worker))) return false
        await setLocation(tx, locationId, { status: 'active', url })
        return true
      },
    )
    if (!isThere) throw new ImageGone(image.id)
  } catch (error) {
    if (await mayTakeBack(database.db, image.id, worker)) {
      await removeData(deps, image.id)
      await updateImage(database.db, image.id, ['saving'], { status: 'queued', reserved: 0, worker: null }, worker)
    }
    throw transfer.signal.aborted ? new ImageGone(image.id) : explain(error)
  } finally {
    transfer.end()
  }
}

/** Puts data into the staging area, from where an import takes it. */
export async function stage(
  deps: ImageDeps,
  image: Image,
  data: Readable,
  { size, projectId }: UploadOptions,
): Promise<void> {
  const { database, staging } = deps
  const worker = deps.leases.owner
  if (image.status !== 'queued') throw badTransition(image.status, 'uploading')
  const transfer = deps.transfers.begin(image.id)
  await spend(deps, projectId, { image_stage_total: size ?? 0, image_count_uploading: 1 }, async (tx) => {
    if (!(await updateImage(tx, image.id, ['queued'], { status: 'uploading', worker })))
      throw badTransition('uploading', 'uploading')
  }).catch((error: unknown) => {
    transfer.end()
    throw error
  })
  try {
    const writer = await staging.begin(image.id)
    let total = 0
    const watch = watchSpeed(data, () => total)
    try {
      await pass(data, (chunk) => {
        transfer.signal.throwIfAborted()
        total += chunk.length
        if (total > deps.config.imageSizeCap)
          throw new TooLarge('The incoming image is too large: The provided image is too large.')
        return writer.write(chunk)
      })
      watch.check()
      if (size !== undefined && total !== size)
        throw new InvalidImage(`The data has ${total} bytes and not ${size} as announced.`)
      await writer.finish()
    } catch (error) {
      await writer.abort()
      watch.check()
      throw error
    } finally {
      watch.stop()
    }
    const isThere = await spend(deps, projectId, { image_stage_total: total }, (tx) =>
      updateImage(tx, image.id, ['uploading'], { staged_size: total, size: total, worker: null }, worker),
    )
    if (!isThere) throw new ImageGone(image.id)
  } catch (error) {
    if (await mayTakeBack(database.db, image.id, worker)) {
      await staging.remove({ imageId: image.id })
      const changes = { status: 'queued', staged_size: null, size: null, worker: null } as const
      await updateImage(database.db, image.id, ['uploading'], changes, worker)
    }
    throw transfer.signal.aborted ? new ImageGone(image.id) : explain(error)
  } finally {
    transfer.end()
  }
}

/** A failure in the words that the user gets. */
export function explain(error: unknown): unknown {
  if (error instanceof StoreFull) return new TooLarge('Image storage media is full')
  if (error instanceof StoreReadOnly) return new ServiceError('gone', error.message)
  if (error instanceof StoreUnavailable) return new StoreFailure('The image store does not answer.', { cause: error })
  const code = (error as { code?: string } | undefined)?.code ?? ''
  const isCut = ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR', 'ECONNABORTED'].includes(code)
  return isCut ? new Invalid('The upload was cut off.', { cause: error }) : error
}
