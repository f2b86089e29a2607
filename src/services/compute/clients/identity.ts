import type { ServiceClient } from '../../../platform/http/client.ts'
import type { IdentityApi } from '../deps.ts'

/** Keystone, as far as nova needs it. */
export function identityApi(client: ServiceClient): IdentityApi {
  return {
    async hasProject(id, token) {
      const path = `/v3/projects/${encodeURIComponent(id)}`
      const { status } = await client.withToken(token.reveal()).request({ method: 'GET', path, accept: [403, 404] })
      // Who may not look is believed.
      return status !== 404
    },
  }
}
