/** Last part of an import: from the staging area into one store. */
import { fileStream } from '../cache/cache.ts'
import type { ImageDeps } from '../deps.ts'
import type { ImportStep } from './import-step.ts'
import { findImage, setProgress, setProperties, type Image, type LocationRow } from '../store/images.ts'
import { deleteLocation, insertLocation, listLocations, setLocation } from '../store/locations.ts'
import { progress } from './import-fetch.ts'
import { takeIn, type Found } from './intake.ts'
import { largestUpload, spend } from './quota.ts'
import { removeData } from './remove-data.ts'
import { checkSignatureRequest } from './signature.ts'
import { declaredFormat } from './upload.ts'

/** What the intake found of the staged data. A copy that an earlier try has finished is not made again. */
export async function storeCopy(step: ImportStep, storeId: string): Promise<Found> {
  const { data, deps, context } = step
  const { database, stores, staging } = deps
  const imageId = context.resourceId
  context.signal.throwIfAborted()
  const store = stores.get(storeId)
  if (!store || store.isReadOnly) throw new Error(`store ${storeId} takes no data`)
  const image = await findImage(database.db, imageId)
  if (!image) throw new Error('Image has been deleted, aborting import.')
  const before = (await listLocations(database.db, imageId)).find((row) => row.store === storeId)
  const done = before && finishedBefore(before)
  if (done) return done
  if (before) {
    await store.remove({ imageId, url: before.url })
    await deleteLocation(database.db, before.id)
  }
  const { locationId, limit } = await reserve(step, image, storeId)
  const signature = data.isCopy ? undefined : checkSignatureRequest(deps, image, data.certificate)
  const writer = await store.begin(imageId, data.size)
  try {
    const found = await takeIn(deps.digests, await fileStream(staging.path(imageId)), writer, {
      algorithm: image.hash_algo ?? deps.config.hashingAlgorithm,
      declared: declaredFormat(deps, image),
      ignoredProblems: deps.config.gptChecksNonfatal ? ['bad-mbr'] : [],
      limit,
      signal: context.signal,
      ...(signature && { signature: signature.stream }),
      onProgress: progress(deps, data.taskId, 'Copied'),
    })
    await signature?.verify()
    if (data.isCopy && image.hash_value !== null && found.hash_value !== image.hash_value)
      throw new Error('the data is not what the hash of the image says')
    const url = await writer.finish()
    await finish(deps, image, { locationId, url, storeId, found, isCopy: data.isCopy })
    return found
  } catch (error) {
    signature?.stream.close()
    await writer.abort()
    await removeData(deps, imageId)
    throw error
  }
}

/** The finished row keeps what was found until the image has it, so that a crash costs no second pass. */
function finishedBefore(row: LocationRow): Found | undefined {
  const { found } = JSON.parse(row.metadata) as { found?: Found }
  return row.status === 'active' ? found : undefined
}

function reserve({ data, deps }: ImportStep, image: Image, storeId: string) {
  const deltas = { image_size_total: data.size }
  return spend(deps, data.projectId, deltas, async (tx) => {
    const limit = await largestUpload(deps, tx, data.projectId, data.size)
    await setProgress(tx, image.id, { reserved: data.size })
    const locationId = await insertLocation(tx, { imageId: image.id, store: storeId, url: '', status: 'writing' })
    return { limit, locationId }
  })
}

interface Finished {
  locationId: string
  url: string
  storeId: string
  found: Found
  isCopy: boolean
}

async function finish({ database }: Pick<ImageDeps, 'database'>, image: Image, done: Finished) {
  await database.transaction(async (tx) => {
    await setLocation(tx, done.locationId, {
      status: 'active',
      url: done.url,
      metadata: JSON.stringify({ found: done.found }),
    })
    await setProgress(tx, image.id, { reserved: 0 })
    const { properties } = (await findImage(tx, image.id)) ?? { properties: {} as Record<string, string> }
    const left = (properties['os_glance_importing_to_stores'] ?? '').split(',').filter((each) => each !== done.storeId)
    await setProperties(tx, image.id, { os_glance_importing_to_stores: left.join(',') })
  })
}
