/**
 * Import: the data comes into the staging area, is changed there by plugins, and goes from there into each store. A
 * process that is killed at any step finds in its record where to go on; what was half done is done again.
 */
import { SagaCancelled, type SagaKind } from '../../../platform/saga/kind.ts'
import type { ImageDeps } from '../deps.ts'
import { fetchData } from '../operations/import-fetch.ts'
import { runPlugins } from '../operations/import-plugins.ts'
import { storeCopy } from '../operations/import-store.ts'
import { failTask, startTask, succeedTask } from '../operations/tasks.ts'
import type { ImportData } from '../operations/import-step.ts'
import { hasImage, setProgress, setProperties, updateImage } from '../store/images.ts'
import { listLocations, setLocation } from '../store/locations.ts'
import { removeData } from '../operations/remove-data.ts'

export const importImage: SagaKind<ImportData, ImageDeps> = {
  kind: 'import-image',
  steps: [
    {
      name: 'fetch',
      async run(data, deps, context) {
        await startTask(deps.database.db, data.taskId)
        const size = await fetchData({ data, deps, context })
        return { size }
      },
      async undo(_data, { staging, database }, { resourceId }) {
        await staging.remove({ imageId: resourceId })
        await setProgress(database.db, resourceId, { staged_size: null })
      },
    },
    {
      name: 'plugins',
      run: async (data, deps, context) => ({ size: await runPlugins({ data, deps, context }) }),
    },
    {
      name: 'store',
      async run(data, deps, context) {
        const failedStores: string[] = []
        let found = data.found
        for (const store of data.stores) {
          try {
            found = await storeCopy({ data, deps, context }, store)
          } catch (error) {
            if (data.allMustSucceed || error instanceof SagaCancelled || context.signal.aborted) throw error
            deps.log.warn(
              { err: error, image: context.resourceId, store },
              'an import goes on without one of its stores',
            )
            failedStores.push(store)
          }
        }
        if (!found) throw new Error('None of the uploads finished!')
        return { found, failedStores }
      },
      async undo(data, deps, { resourceId }) {
        const rows = await listLocations(deps.database.db, resourceId)
        for (const row of rows.filter((each) => data.stores.includes(each.store)))
          await setLocation(deps.database.db, row.id, { status: 'pending_delete' })
        await setProgress(deps.database.db, resourceId, { reserved: 0 })
        await removeData(deps, resourceId)
      },
    },
    {
      name: 'activate',
      async run(data, deps, { resourceId }) {
        const { database } = deps
        await database.transaction(async (tx) => {
          const changes = { reserved: 0, staged_size: null }
          if (data.isCopy) await updateImage(tx, resourceId, ['active', 'deactivated'], changes)
          else await updateImage(tx, resourceId, ['importing'], { status: 'active', ...changes, ...data.found })
          await setProperties(tx, resourceId, {
            os_glance_import_task: null,
            os_glance_importing_to_stores: '',
            os_glance_failed_import: data.failedStores.join(','),
          })
          await succeedTask(tx, deps, data.taskId, { image_id: resourceId })
        })
      },
    },
  ],
  async done(data, deps, { resourceId }) {
    deps.remotes.dropToken(data.taskId)
    await deps.staging.remove({ imageId: resourceId })
  },
  async failed(data, deps, error, { resourceId }) {
    deps.remotes.dropToken(data.taskId)
    await deps.database.transaction(async (tx) => {
      if (!data.isCopy)
        await updateImage(tx, resourceId, ['importing', 'uploading'], {
          status: 'queued',
          size: null,
          virtual_size: null,
          staged_size: null,
          reserved: 0,
        })
      if (await hasImage(tx, resourceId))
        await setProperties(tx, resourceId, {
          os_glance_import_task: null,
          os_glance_importing_to_stores: '',
          os_glance_failed_import: data.stores.join(','),
        })
      await failTask(tx, deps, data.taskId, error.message)
    })
  },
}
