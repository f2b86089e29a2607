/** Typed calls to an image service, for other services and agents: bodies are what its routes declare. */
import { Readable } from 'node:stream'
import type { ServiceClient } from '../../platform/http/client.ts'
import { imageAnswer, type ShownImage } from './api/images/answers.ts'

const pathOf = (id: string) => `/v2/images/${encodeURIComponent(id)}`

export class ImageClient {
  readonly #client: ServiceClient

  constructor(client: ServiceClient) {
    this.#client = client
  }

  /** An image as the bearer of the token sees it; undefined where there is none for him. */
  async findImage(id: string): Promise<ShownImage | undefined> {
    const { status, body } = await this.#client.request({ method: 'GET', path: pathOf(id), accept: [403, 404] })
    return status === 200 ? (body as ShownImage) : undefined
  }

  /** The data of an image as a stream. Rejects with RemoteError (404: there is none). */
  async download(id: string): Promise<Readable> {
    const { body } = await this.#client.request({ method: 'GET', path: `${pathOf(id)}/file` })
    if (body instanceof Readable) return body
    throw new Error(`image ${id} has no data`)
  }
}

/** The properties of an image that are nobody's but its owner's: they stand beside the attributes that glance has. */
export const customProperties = (image: ShownImage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(image).filter(
      (entry): entry is [string, string] =>
        !Object.hasOwn(imageAnswer.properties, entry[0]) && typeof entry[1] === 'string',
    ),
  )
