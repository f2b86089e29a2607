/** First step of an import: the data into the staging area. */
import type { Readable } from 'node:stream'
import { pass } from '../../../base/chunks.ts'
import { fencedFetch, type FenceRules } from '../../../platform/http/fence.ts'
import type { ImageConfig } from '../config.ts'
import type { ImageDeps } from '../deps.ts'
import type { ImportStep } from './import-step.ts'
import { findImage, setFormatsOfImport, setProgress, setProperties, type ImageDb } from '../store/images.ts'
import { updateTask } from '../store/tasks.ts'
import { openData } from './download.ts'
import { watchSpeed } from './intake.ts'
import { spend } from './quota.ts'

/** The fence around everything that users name by URL. */
export const fenceOf = (config: ImageConfig): FenceRules => ({
  allowedSchemes: config.allowedSchemes,
  disallowedSchemes: config.disallowedSchemes,
  allowedHosts: config.allowedHosts,
  disallowedHosts: config.disallowedHosts,
  allowedPorts: config.allowedPorts.map(Number),
  disallowedPorts: config.disallowedPorts.map(Number),
  allowedNetworks: config.allowedNetworks,
  maxRedirects: config.maxRedirects,
  maxBytes: config.imageSizeCap,
  timeoutMs: config.downloadTimeout * 1000,
})

/** Bytes that lie in the staging area then. */
export async function fetchData(step: ImportStep): Promise<number> {
  const { data, deps, context } = step
  const { staging } = deps
  const imageId = context.resourceId
  if (data.method.name === 'glance-direct') {
    const size = await staging.size({ imageId, url: '' })
    if (size === undefined) throw new Error('the staged data of the image is not there')
    return size
  }
  const source = await openSource(step)
  const writer = await staging.begin(imageId)
  let size = 0
  const watch = watchSpeed(source, () => size)
  try {
    const told = progress(deps, data.taskId, 'Downloaded')
    await pass(source, async (chunk) => {
      context.signal.throwIfAborted()
      size += chunk.length
      if (size > deps.config.imageSizeCap) throw new Error('The provided image is too large.')
      await writer.write(chunk)
      told(size)
    })
    watch.check()
    await writer.finish()
  } catch (error) {
    source.destroy()
    await writer.abort()
    watch.check()
    throw error
  } finally {
    watch.stop()
  }
  await spend(deps, data.projectId, { image_stage_total: size }, (tx) => noteSize(tx, imageId, size, data.isCopy))
  return size
}

/** What lies in the staging area counts against quotas. */
export async function noteSize(db: ImageDb, id: string, size: number, isCopy: boolean) {
  const changes = isCopy ? { staged_size: size } : { staged_size: size, size }
  await setProgress(db, id, changes)
}

async function openSource(step: ImportStep): Promise<Readable> {
  const { data, deps, context } = step
  switch (data.method.name) {
    case 'web-download': {
      const answer = await fencedFetch(data.method.uri ?? '', fenceOf(deps.config), { signal: context.signal })
      if (answer.status === 200) return answer.body
      answer.body.destroy()
      throw new Error(`${data.method.uri} answered ${answer.status}`)
    }
    case 'copy-image': {
      const image = await findImage(deps.database.db, context.resourceId)
      if (!image) throw new Error('the image is not there any more')
      return openData(deps, image)
    }
    case 'glance-download':
      return openRemote(step)
    default:
      throw new Error(`there is no import method ${data.method.name}`)
  }
}

/** Takes over the attributes of the other glance's image too. */
async function openRemote({ data, deps, context }: ImportStep): Promise<Readable> {
  const token = deps.remotes.tokenOf(data.taskId)
  if (token === undefined) throw new Error('the service was restarted during the import: ask for it again')
  const {
    glance_region: region = '',
    glance_service_interface: kind = 'public',
    glance_image_id: imageId = '',
  } = data.method
  const remote = await deps.remotes.find({ region, interface: kind, imageId, token })
  const { status, disk_format: disk, container_format: container } = remote.attributes
  if (status !== 'active') throw new Error(`Source image status should be active instead of ${String(status)}`)
  const wanted = Object.entries(remote.attributes).filter(
    ([name, value]) =>
      typeof value === 'string' &&
      !name.startsWith('os_glance') &&
      deps.config.downloadProperties.some((prefix) => name.startsWith(prefix)),
  )
  const source = await remote.open()
  await deps.database.transaction(async (tx) => {
    await setFormatsOfImport(tx, context.resourceId, { disk_format: String(disk), container_format: String(container) })
    await setProperties(tx, context.resourceId, Object.fromEntries(wanted) as Record<string, string>)
  })
  return source
}

/** Tells a task how far it is, at most once a second. */
export function progress({ database }: Pick<ImageDeps, 'database'>, taskId: string, verb: string) {
  let last = Date.now()
  return (bytes: number) => {
    if (Date.now() - last < 1000) return
    last = Date.now()
    const message = `${verb} ${Math.floor(bytes / (1024 * 1024))} MiB`
    updateTask(database.db, taskId, { message }).catch(() => undefined)
  }
}
