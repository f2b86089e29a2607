/** Keeps what servers and middlewares tell each other from clients, in both directions. */
import { isTrue, type Headers } from '../wire/message.ts'
import type { Middleware } from './middleware.ts'

const internal =
  /^(x-(account|container|object)-sysmeta-|x-object-transient-sysmeta-|x-backend|x-account-(host|device|partition)$|x-container-(host|device|partition|root-db-state)$|x-delete-at-(host|device|partition|container)$|x-if-delete-at$)/

const clean = (headers: Headers): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !internal.test(name)))

export const gatekeeper: Middleware = {
  wrap(next, { options }) {
    const hidesTime = options.flag('shunt_inbound_x_timestamp', true)
    const allowsReserved = options.flag('allow_reserved_names_header', false)
    return async (request) => {
      const { 'x-timestamp': time, 'x-allow-reserved-names': reserved, ...rest } = clean(request.headers)
      const headers = {
        ...rest,
        ...(time !== undefined && { [hidesTime ? 'x-backend-inbound-x-timestamp' : 'x-timestamp']: time }),
        ...(allowsReserved && isTrue(reserved) && { 'x-backend-allow-reserved-names': 'true' }),
      }
      const response = await next({ ...request, headers })
      return { ...response, headers: clean(response.headers) }
    }
  },
}
