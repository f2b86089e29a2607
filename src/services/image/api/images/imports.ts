/** Import, locations of the new kind, tasks of an image, and removing an image from one store. */
import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { route } from '../route.ts'
import type { ImageDeps } from '../../deps.ts'
import { ImageConflict, ImageForbidden, ImageMissing, InvalidImage } from '../../errors.ts'
import {
  checkImportState,
  checkMethod,
  startImport,
  startLocationImport,
  storesOf,
  type ImportRequest,
  type NewLocation,
} from '../../operations/import.ts'
import { dropLocation } from '../../operations/locations.ts'
import { policy } from '../../policies.ts'
import { listTasksOfImage } from '../../store/tasks.ts'
import { permitted, visible } from '../access.ts'
import { taskAnswer } from '../tasks/answers.ts'
import { viewTask } from '../tasks/view.ts'
import { locationsAnswer } from './answers.ts'
import { viewLocations } from './view.ts'

function readImport({ config }: Pick<ImageDeps, 'config'>, body: unknown): ImportRequest {
  const { method, all_stores: all, all_stores_must_succeed: must, stores } = body as Record<string, unknown>
  if (method === undefined) throw new InvalidImage("Import request requires a 'method' field.")
  if (typeof method !== 'object' || method === null || !Object.hasOwn(method, 'name'))
    throw new InvalidImage("Import request requires a 'name' field.")
  const { name } = method as { name: unknown }
  if (typeof name !== 'string' || !config.importMethods.includes(name))
    throw new InvalidImage(`Unknown import method name '${String(name)}'.`)
  for (const [field, value] of Object.entries(method))
    if (typeof value !== 'string') throw new InvalidImage(`'${field}' of the import method must be a string`)
  if (must !== undefined && typeof must !== 'boolean')
    throw new InvalidImage("'all_stores_must_succeed' must be boolean value only")
  if (all !== undefined && typeof all !== 'boolean') throw new InvalidImage("'all_stores' must be boolean value only")
  if (stores !== undefined && !(Array.isArray(stores) && stores.every((each) => typeof each === 'string')))
    throw new InvalidImage("'stores' must be a list of store ids")
  return body as ImportRequest
}

const importImage = route({
  method: 'POST',
  path: '/images/:id/import',
  policy: [policy('modify_image'), policy('copy_image')],
  body: Type.Object({}, { additionalProperties: Type.Unknown() }),
  answer: { 202: null },
  async handle({ ctx, params, body, headers }, deps) {
    const request = readImport(deps, body)
    const isCopy = request.method.name === 'copy-image'
    const { image } = await visible(ctx, deps, params.id)
    checkImportState(image, request)
    checkMethod(deps, request.method)
    await permitted(ctx, deps, image.id, isCopy ? 'copy_image' : 'modify_image', 'import data for')
    const header = headers['x-image-meta-store']
    const stores = storesOf(deps, image, request, typeof header === 'string' ? header : undefined)
    // A copy to all stores of an image that is in all of them: done.
    if (stores.length > 0) await startImport(ctx, deps, image, request, stores)
    return { status: 202 }
  },
})

const showTasks = route({
  method: 'GET',
  path: '/images/:id/tasks',
  policy: policy('get_image'),
  answer: { 200: exactly({ tasks: Type.Array(taskAnswer) }) },
  async handle({ ctx, params }, deps) {
    const { image } = await visible(ctx, deps, params.id)
    const tasks = await listTasksOfImage(deps.database.db, image.id)
    return { status: 200, body: { tasks: tasks.map(viewTask) } }
  },
})

const hashAlgorithms = ['sha1', 'sha256', 'sha512', 'md5']
const locationBody = Type.Object({
  url: Type.String({ minLength: 1, maxLength: 2048 }),
  validation_data: Type.Optional(
    Type.Object(
      {
        os_hash_algo: Type.Optional(Type.Enum(hashAlgorithms)),
        os_hash_value: Type.Optional(Type.String({ maxLength: 128 })),
      },
      {
        additionalProperties: false,
        dependentRequired: { os_hash_value: ['os_hash_algo'], os_hash_algo: ['os_hash_value'] },
      },
    ),
  ),
})

const addLocation = route({
  method: 'POST',
  path: '/images/:id/locations',
  policy: policy('add_image_location'),
  body: locationBody,
  answer: { 202: null },
  async handle({ ctx, params, body }, deps) {
    const image = await permitted(ctx, deps, params.id, 'add_image_location', 'add a location to')
    if (image.status !== 'queued')
      throw new ImageConflict(`It's not allowed to add locations if image status is ${image.status}.`)
    await startLocationImport(ctx, deps, image, body as NewLocation)
    return { status: 202 }
  },
})

const listLocations = route({
  method: 'GET',
  path: '/images/:id/locations',
  policy: policy('fetch_image_location'),
  answer: { 200: locationsAnswer },
  async handle({ ctx, params }, deps) {
    const image = await permitted(ctx, deps, params.id, 'fetch_image_location', 'see the locations of')
    return { status: 200, body: viewLocations(image) }
  },
})

const removeFromStore = route({
  method: 'DELETE',
  path: '/stores/:store/:id',
  policy: [policy('get_image_location'), policy('delete_image_location')],
  answer: { 204: null },
  async handle({ ctx, params }, deps) {
    const store = params.store
    const id = params.id
    if (!deps.stores.get(store)) throw new ImageConflict(`The selected store ${store} is not available on this node.`)
    const rules = ['get_image_location', 'delete_image_location']
    const image = await permitted(ctx, deps, id, rules, 'remove data from a store of')
    if (image.status !== 'active')
      throw new ImageConflict("It's not allowed to remove image data from store if image status is not 'active'")
    if (image.locations.length === 1)
      throw new ImageForbidden(
        'Cannot delete image data from the only store containing it. Consider deleting the image instead.',
      )
    const location = image.locations.find((each) => each.store === store)
    if (!location) throw new ImageMissing(`Image ${id} is not stored in store ${store}.`)
    await dropLocation(deps, location)
    return { status: 204 }
  },
})

export const importRoutes = [importImage, showTasks, addLocation, listLocations, removeFromStore]
