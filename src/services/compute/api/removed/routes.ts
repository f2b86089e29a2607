/** What nova once had and has removed: most of it answers 410 to everybody with a token, so that old clients know. */
import { ServiceError, NotFound } from '../../../../platform/errors.ts'
import type { Method } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'

const paths: Readonly<Record<string, readonly Method[]>> = {
  '/os-agents': ['GET', 'POST'],
  '/os-agents/:id': ['PUT', 'DELETE'],
  '/os-cells': ['GET', 'POST'],
  '/os-cells/capacities': ['GET'],
  '/os-cells/detail': ['GET'],
  '/os-cells/info': ['GET'],
  '/os-cells/sync_instances': ['POST'],
  '/os-cells/:id': ['GET', 'PUT', 'DELETE'],
  '/os-cells/:id/capacities': ['GET'],
  '/os-certificates': ['POST'],
  '/os-certificates/:id': ['GET'],
  '/os-cloudpipe': ['GET', 'POST'],
  '/os-cloudpipe/:id': ['PUT'],
  '/os-fixed-ips/:id': ['GET'],
  '/os-fixed-ips/:id/action': ['POST'],
  '/os-floating-ip-dns': ['GET'],
  '/os-floating-ip-dns/:domain': ['PUT', 'DELETE'],
  '/os-floating-ip-dns/:domain/entries/:id': ['GET', 'PUT', 'DELETE'],
  '/os-floating-ips-bulk': ['GET', 'POST'],
  '/os-floating-ips-bulk/:id': ['GET', 'PUT'],
  '/os-fping': ['GET'],
  '/os-fping/:id': ['GET'],
  '/os-networks': ['POST'],
  '/os-networks/add': ['POST'],
  '/os-networks/:id': ['DELETE'],
  '/os-networks/:id/action': ['POST'],
  '/os-security-group-default-rules': ['GET', 'POST'],
  '/os-security-group-default-rules/:id': ['GET', 'DELETE'],
  '/os-tenant-networks': ['POST'],
  '/os-tenant-networks/:id': ['DELETE'],
  '/servers/:id/consoles': ['GET', 'POST'],
  '/servers/:id/consoles/:console': ['GET', 'DELETE'],
  '/servers/:id/os-virtual-interfaces': ['GET'],
}

/** Absent where another method of the path is not: 404, not 405. */
const absent: readonly (readonly [method: Method, path: string])[] = [
  ['GET', '/os-networks'],
  ['GET', '/os-tenant-networks'],
  ['DELETE', '/os-security-groups'],
]
const absentRoutes = absent.map(([method, path]) =>
  route({
    method,
    path,
    policy: null,
    answer: {},
    handle: () => {
      throw new NotFound()
    },
  }),
)

const goneRoutes = Object.entries(paths).flatMap(([path, methods]) =>
  methods.map((method) =>
    route({
      method,
      path,
      policy: null,
      answer: {},
      handle: () => {
        throw new ServiceError('gone', 'This resource is no longer available. No forwarding address is given.')
      },
    }),
  ),
)

export const removedRoutes = [...goneRoutes, ...absentRoutes]
