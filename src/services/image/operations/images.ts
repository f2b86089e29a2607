import { randomUUID } from 'node:crypto'
import type { Context } from '../../../platform/auth/context.ts'
import type { ImageDeps } from '../deps.ts'
import { ImageConflict, ImageForbidden, InvalidImage, TooLarge } from '../errors.ts'
import { policy } from '../policies.ts'
import { insertImage, replaceProperties, replaceTags, updateImage, type Image } from '../store/images.ts'

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
  if (!ctx.can(policy(rules[visibility]), { project_id: owner }))
    throw new ImageForbidden('You are not authorized to complete publicize_image action.')
}

export function requireQuotas(
  { config }: ImageDeps,
  properties: Readonly<Record<string, string>>,
  tags: readonly string[],
) {
  const over = (count: number, quota: number) => quota >= 0 && count > quota
  if (over(Object.keys(properties).length, config.propertyQuota)) {
    throw new TooLarge(
      `The limit has been exceeded on the number of allowed image properties. Attempted: ${Object.keys(properties).length}, Maximum: ${config.propertyQuota}`,
    )
  }
  if (over(tags.length, config.tagQuota)) {
    throw new TooLarge(
      `The limit has been exceeded on the number of allowed image tags. Attempted: ${tags.length}, Maximum: ${config.tagQuota}`,
    )
  }
}

/** Makes an image record without data. */
export async function createImage(
  ctx: Context,
  deps: ImageDeps,
  input: NewImage,
  properties: Record<string, string>,
): Promise<Image> {
  const owner = input.owner ?? ctx.projectId ?? ''
  if (owner !== ctx.projectId && !ctx.isAdmin)
    throw new ImageForbidden(`You are not permitted to create images owned by '${owner}'.`)
  ctx.authorize(policy('add_image'), { project_id: ctx.projectId, owner })
  const visibility = input.visibility ?? 'shared'
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
    hash_value: null,
    created_at: now,
    updated_at: now,
    properties,
    tags: tags.sort(),
  }
  const isNew = await deps.database.transaction((tx) => insertImage(tx, image))
  if (!isNew) throw new ImageConflict(`Image ID ${image.id} already exists!`)
  return image
}

/** Deletes an image whatever it is doing; an upload that is under way ends by itself. */
export async function deleteImage(deps: ImageDeps, image: Image): Promise<void> {
  if (image.is_protected === 1) throw new ImageForbidden(`Image ${image.id} is protected and cannot be deleted.`)
  await deps.database.transaction(async (tx) => {
    await updateImage(tx, image.id, ['queued', 'saving', 'active', 'deactivated', 'killed'], { status: 'deleted' })
    await replaceProperties(tx, image.id, {})
    await replaceTags(tx, image.id, [])
    await tx.deleteFrom('members').where('image_id', '=', image.id).execute()
  })
  await deps.files.remove(image.id)
}

/** Writes a changed image back. Formats may change only before there is data. */
export async function saveImage(deps: ImageDeps, before: Image, after: Image): Promise<void> {
  const isFormatChanged = before.disk_format !== after.disk_format || before.container_format !== after.container_format
  if (isFormatChanged && before.status !== 'queued') {
    throw new ImageForbidden(`Attribute 'disk_format' or 'container_format' can only be replaced for a queued image.`)
  }
  requireQuotas(deps, after.properties, after.tags)
  const { id, properties, tags, ...columns } = after
  const {
    status: _status,
    size: _size,
    virtual_size: _virtual,
    checksum: _checksum,
    hash_value: _hash,
    created_at: _created,
    ...changes
  } = columns
  await deps.database.transaction(async (tx) => {
    if (!(await updateImage(tx, id, [before.status], changes)))
      throw new InvalidImage(`Image ${id} changed meanwhile, try again.`)
    await replaceProperties(tx, id, properties)
    await replaceTags(tx, id, tags)
  })
}
