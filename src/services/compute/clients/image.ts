import { ServiceClient } from '../../../platform/http/client.ts'
import type { ImageApi, ImageInfo } from '../deps.ts'

const own = new Set([
  'id',
  'name',
  'status',
  'disk_format',
  'container_format',
  'min_disk',
  'min_ram',
  'size',
  'virtual_size',
  'visibility',
  'owner',
  'protected',
  'tags',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'os_hidden',
  'created_at',
  'updated_at',
  'file',
  'self',
  'schema',
  'locations',
  'direct_url',
  'stores',
])

/** Glance's v2 API as nova uses it. */
export function imageApi(client: ServiceClient): ImageApi {
  return {
    async getImage(id, token) {
      const path = `/v2/images/${encodeURIComponent(id)}`
      const { status, body } = await client
        .withToken(token.reveal())
        .request({ method: 'GET', path, accept: [404, 403] })
      return status === 200 ? toImage(body as Record<string, unknown>) : undefined
    },
  }
}

function toImage(body: Record<string, unknown>): ImageInfo {
  const number = (value: unknown) => (typeof value === 'number' ? value : null)
  const properties = Object.entries(body).filter(([key, value]) => !own.has(key) && typeof value === 'string')
  return {
    id: String(body['id']),
    name: String(body['name'] ?? ''),
    status: String(body['status']),
    diskFormat: typeof body['disk_format'] === 'string' ? body['disk_format'] : null,
    minDisk: number(body['min_disk']) ?? 0,
    minRam: number(body['min_ram']) ?? 0,
    size: number(body['size']),
    virtualSize: number(body['virtual_size']),
    properties: Object.fromEntries(properties) as Record<string, string>,
  }
}
