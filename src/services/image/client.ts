import { Readable } from 'node:stream'
import type { ServiceClient } from '../../platform/http/client.ts'

/** Typed calls to an image service. */
export class ImageClient {
  readonly #client: ServiceClient

  constructor(client: ServiceClient) {
    this.#client = client
  }

  /** The data of an image as a stream. Rejects with RemoteError (404: there is none). */
  async download(id: string): Promise<Readable> {
    const { body } = await this.#client.request({ method: 'GET', path: `/v2/images/${encodeURIComponent(id)}/file` })
    if (body instanceof Readable) return body
    throw new Error(`image ${id} has no data`)
  }
}
