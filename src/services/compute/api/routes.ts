import type { Route } from '../../../platform/http/route.ts'
import type { ComputeDeps } from '../deps.ts'
import { flavorRoutes } from './flavors/routes.ts'
import { keypairRoutes } from './keypairs/routes.ts'
import { actionRoutes } from './servers/actions.ts'
import { serverRoutes } from './servers/routes.ts'

/** Every route below `/v2.1`. */
export const routes: readonly Route<ComputeDeps>[] = [...flavorRoutes, ...keypairRoutes, ...serverRoutes, ...actionRoutes]
