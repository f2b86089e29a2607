import type { Image } from '../../store/images.ts'

const iso = (ms: number) => `${new Date(Number(ms)).toISOString().slice(0, 19)}Z`
const number = (value: number | null) => (value === null ? null : Number(value))

/** An image as the API shows it: custom properties stand beside the base ones. */
export const viewImage = (image: Image) => ({
  ...image.properties,
  id: image.id,
  name: image.name,
  status: image.status,
  visibility: image.visibility,
  owner: image.owner,
  disk_format: image.disk_format,
  container_format: image.container_format,
  min_disk: image.min_disk,
  min_ram: image.min_ram,
  protected: image.is_protected === 1,
  os_hidden: image.is_hidden === 1,
  size: number(image.size),
  virtual_size: number(image.virtual_size),
  checksum: image.checksum,
  os_hash_algo: image.hash_value === null ? null : 'sha512',
  os_hash_value: image.hash_value,
  tags: image.tags,
  created_at: iso(image.created_at),
  updated_at: iso(image.updated_at),
  self: `/v2/images/${image.id}`,
  file: `/v2/images/${image.id}/file`,
  schema: '/v2/schemas/image',
})
