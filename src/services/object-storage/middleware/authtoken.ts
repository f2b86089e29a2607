/** Who asks, by the token of the request; whether he may is decided later. */
import { allows } from '../../../platform/auth/access-rules.ts'
import type { Credentials } from '../../../platform/auth/credentials.ts'
import { answer } from '../wire/answers.ts'
import type { Response } from '../wire/message.ts'
import type { Middleware } from './middleware.ts'

const usualServiceRoles = ['service']

export const authtoken: Middleware = {
  wrap(next, { options, authenticator, authUrl }) {
    const isDelayed = options.flag('delay_auth_decision', false)
    const challenge = { 'www-authenticate': `Keystone uri="${authUrl}"` }
    const { roles: serviceRoles = usualServiceRoles, isRequired = false } = authenticator.serviceTokens ?? {}
    const refused = (): Response => answer(401, undefined, challenge)
    const validate = async (token: string | undefined, allowExpired = false): Promise<Credentials | null> =>
      token ? authenticator.validate(token, { allowExpired }) : null

    return async (request) => {
      const { headers, context, method, path } = request
      const token = headers['x-auth-token'] ?? headers['x-storage-token']
      const service = await validate(headers['x-service-token'])
      const isService = service?.roles.some((role) => serviceRoles.includes(role)) ?? false
      const credentials = await validate(token, isService)
      const isServiceBad = headers['x-service-token'] !== undefined && (!service || (isRequired && !isService))
      if (isServiceBad || (!credentials && !isDelayed)) return refused()
      if (credentials?.accessRules && !allows(credentials.accessRules, 'object-store', method, path))
        return answer(401, 'The access rules of the application credential do not allow this request.')
      context.credentials = credentials ?? undefined
      context.serviceRoles = service?.roles ?? []
      const response = await next(request)
      return response.status === 401 ? { ...response, headers: { ...challenge, ...response.headers } } : response
    }
  },
}
