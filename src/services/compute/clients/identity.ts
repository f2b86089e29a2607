import type { ServiceClient } from '../../../platform/http/client.ts'
import { IdentityClient } from '../../identity/client.ts'
import type { IdentityApi } from '../deps.ts'

/** Keystone, as far as nova needs it. */
export const identityApi = (client: ServiceClient): IdentityApi => ({
  hasProject: (id, token) => new IdentityClient(client.withToken(token.reveal())).hasProject(id),
})
