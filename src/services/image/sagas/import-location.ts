/** A location that was added to a queued image: its data is read and hashed before the image becomes active. */
import type { SagaKind } from '../../../platform/saga/kind.ts'
import type { ImageDeps } from '../deps.ts'
import { takeIn, type Found } from '../operations/intake.ts'
import { progress } from '../operations/import-fetch.ts'
import { failTask, startTask, succeedTask } from '../operations/tasks.ts'
import { declaredFormat } from '../operations/upload.ts'
import { findImage, setProperties, updateImage } from '../store/images.ts'
import { insertLocation, listLocations } from '../store/locations.ts'

export interface LocationImportData {
  taskId: string
  url: string
  store: string
  expected: { algorithm: string; value: string } | null
  doHash: boolean
  size: number | null
  found: Found | null
}

const nowhere = { write: () => Promise.resolve() }

export const importLocation: SagaKind<LocationImportData, ImageDeps> = {
  kind: 'import-location',
  steps: [
    {
      name: 'add location',
      async run(data, deps, { resourceId }) {
        const { database } = deps
        await startTask(database.db, data.taskId)
        const size = await deps.stores.get(data.store)?.size({ imageId: resourceId, url: data.url })
        if (size === undefined) throw new Error(`${data.url} cannot be read`)
        await database.transaction(async (tx) => {
          const known = await listLocations(tx, resourceId)
          if (!known.some((row) => row.url === data.url))
            await insertLocation(tx, { imageId: resourceId, store: data.store, url: data.url, status: 'active' })
          await updateImage(tx, resourceId, ['importing'], { size })
        })
        return { size }
      },
    },
    {
      name: 'hash',
      async run(data, deps, { resourceId, signal }) {
        if (!data.doHash) return {}
        const image = await findImage(deps.database.db, resourceId)
        const store = deps.stores.get(data.store)
        if (!image || !store) throw new Error('the image or its store is not there any more')
        const source = await store.read({ imageId: resourceId, url: data.url })
        const found = await takeIn(deps.digests, source, nowhere, {
          algorithm: data.expected?.algorithm ?? deps.config.hashingAlgorithm,
          declared: declaredFormat(deps, image),
          ignoredProblems: deps.config.gptChecksNonfatal ? ['bad-mbr'] : [],
          limit: deps.config.imageSizeCap,
          signal,
          onProgress: progress(deps, data.taskId, 'Hashed'),
        })
        if (data.expected && data.expected.value.toLowerCase() !== found.hash_value)
          throw new Error(`os_hash_value: ${data.expected.value} does not match the data`)
        return { found }
      },
    },
    {
      name: 'activate',
      async run(data, deps, { resourceId }) {
        const told = data.expected && {
          hash_algo: data.expected.algorithm,
          hash_value: data.expected.value.toLowerCase(),
        }
        await deps.database.transaction(async (tx) => {
          await updateImage(tx, resourceId, ['importing'], { status: 'active', ...told, ...data.found })
          await setProperties(tx, resourceId, { os_glance_import_task: null })
          await succeedTask(tx, deps, data.taskId, { image_id: resourceId })
        })
      },
    },
  ],
  async failed(data, deps, error, { resourceId }) {
    await deps.database.transaction(async (tx) => {
      // The location stays to be seen, as with upstream's http store (bug 2076648); new data takes its place.
      const changes = { status: 'queued', size: null, virtual_size: null } as const
      await updateImage(tx, resourceId, ['importing'], changes)
      await setProperties(tx, resourceId, { os_glance_import_task: null })
      await failTask(tx, deps, data.taskId, error.message)
    })
  },
}
