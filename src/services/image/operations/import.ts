/** Starting imports: what has to be right before anything begins. */
import type { Context } from '../../../platform/auth/context.ts'
import { checkUrl, FenceError } from '../../../platform/http/fence.ts'
import type { ImageDeps } from '../deps.ts'
import { ImageConflict, ImageForbidden, InvalidImage } from '../errors.ts'
import type { ImportData, ImportMethod } from './import-step.ts'
import { importImage } from '../sagas/import-image.ts'
import { importLocation, type LocationImportData } from '../sagas/import-location.ts'
import { insertProperty, setProperties, updateImage, type Image } from '../store/images.ts'
import { forgetLocations } from '../store/locations.ts'
import { fenceOf } from './import-fetch.ts'
import { digestBytes, storeOfUrl } from './locations.ts'
import { spend } from './quota.ts'
import { certificateFor } from './signature.ts'
import { createTask } from './tasks.ts'
import { badTransition, requireFormats } from './upload.ts'

export interface ImportRequest {
  method: ImportMethod
  stores?: string[]
  all_stores?: boolean
  all_stores_must_succeed?: boolean
}

const lock = 'os_glance_import_task'
const uuid = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i

/** What depends on the image. Throws ImageConflict. */
export function checkImportState(image: Image, { method: { name } }: ImportRequest) {
  const { status } = image
  if (status === 'active' && name !== 'copy-image')
    throw new ImageConflict('Image with status active cannot be target for import')
  if (status !== 'active' && name === 'copy-image')
    throw new ImageConflict('Only images with status active can be targeted for copying')
  if (status !== 'queued' && (name === 'web-download' || name === 'glance-download'))
    throw new ImageConflict(`Image needs to be in 'queued' state to use '${name}' method`)
  if (status !== 'uploading' && name === 'glance-direct')
    throw new ImageConflict("Image needs to be staged before 'glance-direct' method can be used")
  for (const attribute of ['container_format', 'disk_format'] as const)
    if (image[attribute] === null) throw new ImageConflict(`'${attribute}' needs to be set before import`)
  if (name === 'glance-direct' && image.staged_size === null)
    throw new ImageConflict("Image needs to be staged before 'glance-direct' method can be used")
}

/** What depends on the method's own fields. Throws InvalidImage. */
export function checkMethod({ config }: Pick<ImageDeps, 'config'>, { name, ...fields }: ImportMethod) {
  if (name === 'glance-download') {
    if (fields.glance_region === undefined)
      throw new InvalidImage("'glance_region' needs to be set for glance-download import method")
    if (fields.glance_image_id === undefined)
      throw new InvalidImage("'glance_image_id' needs to be set for glance-download import method")
    if (!uuid.test(fields.glance_image_id))
      throw new InvalidImage(`Remote image id does not look like a UUID: ${fields.glance_image_id}`)
  }
  if (name !== 'web-download') return
  try {
    checkUrl(fields.uri ?? '', fenceOf(config))
  } catch (error) {
    if (!(error instanceof FenceError)) throw error
    throw new InvalidImage(`URI for web-download does not pass filtering: ${fields.uri ?? 'None'}`, { cause: error })
  }
}

/** The stores that an import goes to; for copies only those that have none yet. */
export function storesOf(
  { stores: known }: Pick<ImageDeps, 'stores'>,
  image: Image,
  request: ImportRequest,
  header: string | undefined,
): string[] {
  const { all_stores: isAll = false, stores: listed } = request
  if (isAll && (listed !== undefined || header !== undefined))
    throw new InvalidImage("All_stores parameter can't be used with x-image-meta-store header or stores parameter")
  if (listed !== undefined && header !== undefined)
    throw new InvalidImage("Stores parameter and x-image-meta-store header can't be both specified")
  const asked = isAll ? known.writable().map((store) => store.id) : (listed ?? [header ?? known.defaultId])
  for (const id of asked) {
    const store = known.get(id)
    if (!store) throw new ImageConflict(`Unknown scheme '${id}' found in URI`)
    if (store.isReadOnly) throw new ImageConflict(`Store ${id} is read-only`)
  }
  const present = new Set(image.locations.map((location) => location.store))
  if (request.method.name !== 'copy-image') return [...new Set(asked)]
  const twice = asked.find((id) => present.has(id))
  if (twice !== undefined && !isAll) throw new InvalidImage(`Image is already present at store '${twice}'`)
  return [...new Set(asked)].filter((id) => !present.has(id))
}

/** Records and starts the import of an image. */
export async function startImport(
  ctx: Context,
  deps: ImageDeps,
  image: Image,
  request: ImportRequest,
  stores: readonly string[],
  as: { type: string; input: object } = {
    type: 'api_image_import',
    input: { image_id: image.id, import_req: request, backend: stores },
  },
): Promise<void> {
  const isCopy = request.method.name === 'copy-image'
  const isStaged = request.method.name === 'glance-direct'
  const deltas = {
    image_size_total: 0,
    ...(!isStaged && { image_stage_total: 0, image_count_uploading: 1 }),
  }
  const certificate = isCopy ? undefined : await certificateFor(ctx, deps, image)
  const { taskId, go } = await spend(deps, image.owner, deltas, async (tx) => {
    const task = await createTask(tx, {
      ...as,
      owner: ctx.projectId ?? '',
      imageId: image.id,
      userId: ctx.userId,
      requestId: ctx.requestId,
    })
    if (!(await insertProperty(tx, image.id, lock, task.id)))
      throw new ImageConflict(
        `New operation on image '${image.id}' is not permitted as prior operation is still in progress`,
      )
    if (!isCopy && !(await updateImage(tx, image.id, [image.status], { status: 'importing' })))
      throw badTransition(image.status, 'importing')
    if (!isCopy) await forgetLocations(tx, image.id)
    await setProperties(tx, image.id, {
      os_glance_importing_to_stores: [...stores].sort().join(','),
      os_glance_failed_import: '',
    })
    const data: ImportData = {
      taskId: task.id,
      projectId: image.owner,
      roles: ctx.roles,
      method: request.method,
      stores,
      allMustSucceed: request.all_stores_must_succeed ?? true,
      isCopy,
      ...(certificate !== undefined && { certificate }),
      size: 0,
      failedStores: [],
    }
    const start = await deps.sagas.create(tx, importImage, {
      resourceId: image.id,
      requestId: ctx.requestId,
      data,
    })
    return { taskId: task.id, go: start }
  })
  if (request.method.name === 'glance-download') deps.remotes.keepToken(taskId, ctx.token.reveal())
  go()
}

export interface NewLocation {
  url: string
  validation_data?: { os_hash_algo?: string; os_hash_value?: string } | null
}

/** Records and starts adding a location to a queued image. */
export async function startLocationImport(ctx: Context, deps: ImageDeps, image: Image, input: NewLocation) {
  const hasHttp = deps.stores.all().some((store) => store.type === 'http')
  const isService = [...ctx.roles, ...ctx.serviceRoles].includes('service')
  if (!isService && (!hasHttp || !/^https?:/i.test(input.url)))
    throw new ImageForbidden('http store must be enabled to use location API by normal user.')
  const store = storeOfUrl(deps, input.url)
  try {
    checkUrl(input.url, fenceOf(deps.config))
  } catch (error) {
    if (error instanceof FenceError) throw new InvalidImage('Invalid location', { cause: error })
    throw error
  }
  const expected = readExpected(deps, input)
  requireFormats(image)
  const go = await spend(deps, image.owner, { image_size_total: 0, image_count_uploading: 1 }, async (tx) => {
    const task = await createTask(tx, {
      type: 'location_import',
      owner: ctx.projectId ?? '',
      imageId: image.id,
      userId: ctx.userId,
      requestId: ctx.requestId,
      input: { image_id: image.id, loc_url: input.url, validation_data: input.validation_data ?? {} },
    })
    if (!(await insertProperty(tx, image.id, lock, task.id)))
      throw new ImageConflict(
        `New operation on image '${image.id}' is not permitted as prior operation is still in progress`,
      )
    if (!(await updateImage(tx, image.id, ['queued'], { status: 'importing' })))
      throw badTransition(image.status, 'importing')
    await forgetLocations(tx, image.id)
    const data: LocationImportData = {
      taskId: task.id,
      url: input.url,
      store: store.id,
      expected,
      doHash: deps.config.doSecureHash,
      size: null,
      found: null,
    }
    return deps.sagas.create(tx, importLocation, { resourceId: image.id, requestId: ctx.requestId, data })
  })
  go()
}

function readExpected({ config }: Pick<ImageDeps, 'config'>, { validation_data: given }: NewLocation) {
  if (given?.os_hash_value === undefined) return null
  const algorithm = given.os_hash_algo ?? config.hashingAlgorithm
  const value = given.os_hash_value
  if (!/^([0-9a-fA-F]{2})+$/.test(value))
    throw new InvalidImage(`os_hash_value (${value}) is not a valid hexadecimal value`)
  const bytes = digestBytes[algorithm] ?? 64
  if (value.length !== bytes * 2)
    throw new InvalidImage(
      `os_hash_value: (${value}) is not the correct size for (${algorithm}) (should be (${bytes}) bytes)`,
    )
  return { algorithm, value }
}
