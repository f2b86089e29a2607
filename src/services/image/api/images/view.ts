import type { Context } from '../../../../platform/auth/context.ts'
import type { ImageDeps } from '../../deps.ts'
import type { Image } from '../../store/images.ts'
import type { ShownImage } from './answers.ts'

export const iso = (ms: number) => `${new Date(Number(ms)).toISOString().slice(0, 19)}Z`
const number = (value: number | null) => (value === null ? null : Number(value))

type ViewDeps = Pick<ImageDeps, 'config' | 'propertyRules'>

/** An image as the API shows it: custom properties that the caller may read stand beside the base ones. */
export const viewImage = (ctx: Context, { config, propertyRules }: ViewDeps, image: Image): ShownImage => ({
  ...Object.fromEntries(Object.entries(image.properties).filter(([name]) => propertyRules.allows(ctx, name, 'read'))),
  id: image.id,
  name: image.name,
  status: image.status,
  visibility: image.visibility,
  owner: image.owner === '' ? null : image.owner,
  disk_format: image.disk_format,
  container_format: image.container_format,
  min_disk: Number(image.min_disk),
  min_ram: Number(image.min_ram),
  protected: image.is_protected === 1,
  os_hidden: image.is_hidden === 1,
  size: number(image.size),
  virtual_size: number(image.virtual_size),
  checksum: image.checksum,
  os_hash_algo: image.hash_algo,
  os_hash_value: image.hash_value,
  tags: image.tags,
  created_at: iso(image.created_at),
  updated_at: iso(image.updated_at),
  self: `/v2/images/${image.id}`,
  file: `/v2/images/${image.id}/file`,
  schema: '/v2/schemas/image',
  ...(image.locations.length > 0 && { stores: image.locations.map((location) => location.store).join(',') }),
  ...(config.showMultipleLocations && { locations: viewLocations(image) }),
  ...(config.showDirectUrl && image.locations[0] && { direct_url: image.locations[0].url }),
})

export const viewLocations = (image: Image) =>
  image.locations.map(({ url, store, metadata }) => {
    const { found: _own, ...given } = JSON.parse(metadata) as Record<string, unknown>
    return { url, metadata: { ...given, store } }
  })
