/** Who asks: by the token of the request, and by that of the service that passes it on, as keystonemiddleware reads them. */
import { allows } from '../auth/access-rules.ts'
import { createContext, type Context } from '../auth/context.ts'
import type { Credentials } from '../auth/credentials.ts'
import type { PolicyEnforcer } from '../auth/policy.ts'
import { Unauthorized } from '../errors.ts'
import { HttpError } from './errors.ts'
import type { RawRequest } from './message.ts'
import type { Route } from './route.ts'
import type { Authenticator } from './service.ts'

export interface AuthenticateOptions {
  /** Type of the service that is asked. */
  type: string
  authenticator: Authenticator
  enforcer: PolicyEnforcer
  /** For `WWW-Authenticate` on 401. */
  authUrl?: string
}

const requestIdForm = /^req-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** Roles of those whose tokens vouch for the requests that they pass on: `[keystone_authtoken] service_token_roles`. */
const usualServiceRoles = ['service']

/**
 * The context of a request for a route. Throws 401 without a good token where the route needs one, with a service
 * token that is not good, and where the access rules of an application credential are others. Who works for a user for long
 * shows a service token with the role: then the user's own may have expired.
 */
export async function authenticate(
  { type, authenticator, enforcer, authUrl }: AuthenticateOptions,
  route: Pick<Route<unknown>, 'auth'>,
  { method, headers }: RawRequest,
  path: string,
  requestId: string,
): Promise<Context> {
  const mode = route.auth ?? 'required'
  const refuse = () =>
    new HttpError(401, 'The request you have made requires authentication.', {
      headers: authUrl ? { 'WWW-Authenticate': `Keystone uri="${authUrl}"` } : {},
    })
  const tokenIn = (name: string): string | undefined => {
    const token = headers[name]
    return mode !== 'none' && typeof token === 'string' && token !== '' ? token : undefined
  }
  const validate = async (token: string | undefined, allowExpired = false): Promise<Credentials | null> =>
    token === undefined ? null : authenticator.validate(token, { allowExpired })

  const { roles = usualServiceRoles, isRequired = false } = authenticator.serviceTokens ?? {}
  const serviceToken = tokenIn('x-service-token')
  const service = await validate(serviceToken)
  const isService = service?.roles.some((role) => roles.includes(role)) ?? false
  if (serviceToken !== undefined && (!service || (isRequired && !isService))) throw refuse()
  const credentials = await validate(tokenIn('x-auth-token'), isService)
  if (mode === 'required' && !credentials) throw refuse()
  if (credentials?.accessRules && !allows(credentials.accessRules, type, method, path))
    throw new Unauthorized('The access rules of the application credential do not allow this request.')
  const globalId = headers['x-openstack-request-id']
  return createContext(enforcer, requestId, credentials, {
    globalRequestId: typeof globalId === 'string' && requestIdForm.test(globalId) ? globalId : null,
    serviceRoles: service?.roles ?? [],
  })
}
