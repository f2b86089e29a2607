import { randomUUID } from 'node:crypto'
import type { Context } from '../../../platform/auth/context.ts'
import type { Transaction } from '../../../platform/db/database.ts'
import type { ImageDeps } from '../deps.ts'
import { ImageConflict, ImageForbidden, ImageNotFound, TooLarge } from '../errors.ts'
import { policy } from '../policies.ts'
import { markDeleted } from '../store/deleted-images.ts'
import {
  findImage,
  insertImage,
  replaceProperties,
  replaceTags,
  updateImage,
  type Image,
  type ImageRow,
} from '../store/images.ts'
import type { ImageSchema } from '../store/tables.ts'
import { spend } from './quota.ts'
import { removeData } from './remove-data.ts'

export interface NewImage {
  id?: string
  name?: string | null
  visibility?: Image['visibility']
  protected?: boolean
  os_hidden?: boolean
  owner?: string | null
  disk_format?: string | null
  container_format?: string | null
  min_ram?: number
  min_disk?: number
  tags?: string[]
}

/** Throws ImageForbidden unless the caller may give an image this visibility. */
export function authorizeVisibility(ctx: Context, visibility: Image['visibility'], owner: string) {
  const rules = { public: 'publicize_image', community: 'communitize_image' } as const
  if (visibility !== 'public' && visibility !== 'community') return
  const name = rules[visibility]
  if (!ctx.can(policy(name), { project_id: owner, owner, visibility }))
    throw new ImageForbidden(`You are not authorized to complete ${name} action.`)
}

export function requireQuotas(
  { config }: Pick<ImageDeps, 'config'>,
  properties: Readonly<Record<string, string>>,
  tags: readonly string[],
) {
  const check = (what: string, count: number, quota: number) => {
    if (quota < 0 || count <= quota) return
    throw new TooLarge(
      `The limit has been exceeded on the number of allowed image ${what}. Attempted: ${count}, Maximum: ${quota}`,
    )
  }
  check('properties', Object.keys(properties).length, config.propertyQuota)
  check('tags', tags.length, config.tagQuota)
}

/** Makes an image record without data. */
export async function createImage(
  ctx: Context,
  deps: Pick<ImageDeps, 'database' | 'limits' | 'config'>,
  input: NewImage,
  properties: Record<string, string>,
): Promise<Image> {
  const owner = input.owner ?? ctx.projectId ?? ''
  const visibility = input.visibility ?? 'shared'
  if (!ctx.can(policy('add_image'), { project_id: owner, owner, visibility })) {
    if (owner !== ctx.projectId) throw new ImageForbidden(`You are not permitted to create images owned by '${owner}'`)
    ctx.authorize(policy('add_image'), { project_id: owner, owner, visibility })
  }
  authorizeVisibility(ctx, visibility, owner)
  const tags = [...new Set(input.tags ?? [])]
  requireQuotas(deps, properties, tags)
  const now = Date.now()
  const image: Image = {
    id: input.id?.toLowerCase() ?? randomUUID(),
    name: input.name ?? null,
    status: 'queued',
    visibility,
    owner,
    disk_format: input.disk_format ?? null,
    container_format: input.container_format ?? null,
    min_disk: input.min_disk ?? 0,
    min_ram: input.min_ram ?? 0,
    is_protected: input.protected ? 1 : 0,
    is_hidden: input.os_hidden ? 1 : 0,
    size: null,
    virtual_size: null,
    checksum: null,
    hash_algo: null,
    hash_value: null,
    created_at: now,
    updated_at: now,
    deleted_at: null,
    staged_size: null,
    reserved: 0,
    worker: null,
    properties,
    tags: tags.sort(),
    locations: [],
  }
  const isNew = await spend(deps, owner, { image_count_total: 1 }, (tx) => insertImage(tx, image))
  if (!isNew) throw new ImageConflict(`Image ID ${image.id} already exists!`)
  return image
}

/**
 * Changes the attributes, properties and tags of an image: read, changed and written in one transaction, so that two
 * changes at once both count.
 */
export async function modifyImage(
  deps: Pick<ImageDeps, 'database' | 'config'>,
  id: string,
  change: (image: Image, tx: Transaction<ImageSchema>) => Image | Promise<Image>,
): Promise<Image> {
  return deps.database.transaction(async (tx) => {
    const before = await findImage(tx, id)
    if (!before) throw new ImageNotFound(id)
    const after = await change(before, tx)
    const isMore = (list: (image: Image) => number) => list(after) > list(before)
    if (isMore((image) => Object.keys(image.properties).length) || isMore((image) => image.tags.length))
      requireQuotas(deps, after.properties, after.tags)
    if (!(await updateImage(tx, id, [before.status], changedColumns(after)))) throw new ImageNotFound(id)
    if (after.properties !== before.properties) await replaceProperties(tx, id, after.properties)
    if (after.tags !== before.tags) await replaceTags(tx, id, after.tags)
    return (await findImage(tx, id))!
  })
}

/** What users change; data and status have their own ways. */
const changedColumns = (image: Image): Partial<ImageRow> => ({
  name: image.name,
  visibility: image.visibility,
  owner: image.owner,
  disk_format: image.disk_format,
  container_format: image.container_format,
  min_disk: image.min_disk,
  min_ram: image.min_ram,
  is_protected: image.is_protected,
  is_hidden: image.is_hidden,
})

/** Deletes an image whatever it is doing: delete wins over uploads and imports. */
export async function deleteImage(deps: ImageDeps, image: Image): Promise<void> {
  if (image.is_protected === 1) throw new ImageForbidden(`Image ${image.id} is protected and cannot be deleted.`)
  deps.transfers.cancel(image.id)
  await deps.sagas.cancel(image.id)
  const isDelayed = deps.config.delayedDelete && image.locations.length > 0
  const status = isDelayed ? 'pending_delete' : 'deleted'
  await deps.database.transaction((tx) => markDeleted(tx, image.id, status))
  await deps.cache.remove(image.id)
  // What is being staged now removes itself.
  if (!deps.transfers.isRunning(image.id)) await deps.staging.remove({ imageId: image.id })
  if (!isDelayed) await removeData(deps, image.id)
}
