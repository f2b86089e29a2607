import type { ServiceClient } from '../../../platform/http/client.ts'
import { customProperties, ImageClient } from '../../image/client.ts'
import type { ImageApi } from '../deps.ts'

/** Glance's v2 API as nova uses it. */
export function imageApi(client: ServiceClient): ImageApi {
  return {
    async getImage(id, token) {
      const image = await new ImageClient(client.withToken(token.reveal())).findImage(id)
      if (!image) return undefined
      return {
        id: image.id,
        name: image.name ?? '',
        status: image.status,
        diskFormat: image.disk_format,
        minDisk: image.min_disk,
        minRam: image.min_ram,
        size: image.size,
        virtualSize: image.virtual_size,
        properties: customProperties(image),
      }
    },
  }
}
