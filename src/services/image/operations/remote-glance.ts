/** Glances of other regions, for glance-download. The user's token goes there, and it is kept in memory only. */
import { Readable } from 'node:stream'
import type { ServiceClient } from '../../../platform/http/client.ts'
import { IdentityClient } from '../../identity/client.ts'

export interface RemoteRequest {
  region: string
  interface: string
  imageId: string
  token: string
}

export interface RemoteImage {
  attributes: Record<string, unknown>
  open(): Promise<Readable>
}

export class RemoteGlances {
  readonly #identity: IdentityClient
  readonly #timeoutMs: number
  readonly #tokens = new Map<string, string>()

  constructor(identity: ServiceClient, timeoutMs: number) {
    this.#identity = new IdentityClient(identity)
    this.#timeoutMs = timeoutMs
  }

  /** Keeps a token for as long as its task runs in this process. */
  keepToken(taskId: string, token: string) {
    this.#tokens.set(taskId, token)
  }

  tokenOf(taskId: string): string | undefined {
    return this.#tokens.get(taskId)
  }

  dropToken(taskId: string) {
    this.#tokens.delete(taskId)
  }

  /** Throws where there is no such endpoint or it refuses. */
  async find({ region, interface: kind, imageId, token }: RemoteRequest): Promise<RemoteImage> {
    const base = await this.#endpoint(region, kind)
    const url = `${base}/v2/images/${encodeURIComponent(imageId)}`
    const get = async (address: string) => {
      const response = await fetch(address, {
        headers: { 'X-Auth-Token': token },
        redirect: 'error',
        signal: AbortSignal.timeout(this.#timeoutMs),
      })
      if (response.ok) return response
      await response.body?.cancel()
      throw new Error(`the image service of region ${region} answered ${response.status}`)
    }
    const attributes = (await (await get(url)).json()) as Record<string, unknown>
    return {
      attributes,
      async open() {
        const { body } = await get(`${url}/file`)
        if (!body) throw new Error(`image ${imageId} of region ${region} has no data`)
        return Readable.fromWeb(body as never)
      },
    }
  }

  async #endpoint(region: string, kind: string): Promise<string> {
    const services = await this.#identity.listServices({ type: 'image' })
    const ids = services.filter(({ type }) => type === 'image').map(({ id }) => id)
    const found = (await this.#identity.listEndpoints()).find(
      (each) => ids.includes(each.service_id) && each.interface === kind && each.region_id === region,
    )
    if (!found) throw new Error(`${kind} glance endpoint not found for region ${region}`)
    return found.url.replace(/\/+$/, '').replace(/\/v2$/, '')
  }
}
