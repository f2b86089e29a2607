import { routesOf } from '../../../platform/http/route.ts'
import type { ImageDeps } from '../deps.ts'

/** Declares a route of this service. */
export const route = routesOf<ImageDeps>()
