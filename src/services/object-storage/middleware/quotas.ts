/** container-quotas and account-quotas: uploads that would make more of it than is allowed are refused. */
import { splitApiPath } from '../model/names.ts'
import { accountState, containerState } from '../proxy/info.ts'
import { answer } from '../wire/answers.ts'
import { isSuccess, type Headers, type Request, type Response } from '../wire/message.ts'
import type { Middleware } from './middleware.ts'

const exceeded = () => answer(413, 'Upload exceeds quota.')
const numberIn = (meta: Headers, name: string): number | undefined =>
  meta[name] !== undefined && /^\d+$/.test(meta[name]) ? Number(meta[name]) : undefined
const lengthOf = ({ headers }: Request): number => Number(headers['content-length'] ?? 0)

/** Whoever may not write learns that first. */
const refusal = async ({ context, ...request }: Request, acl: string | undefined): Promise<Response> =>
  (context.isAuthorized ? undefined : await context.authorize?.({ ...request, context }, acl)) ?? exceeded()

export const containerQuotas: Middleware = {
  info: () => ({ container_quotas: {} }),
  wrap(next, { proxy }) {
    return async (request) => {
      const { method, headers } = request
      const place = splitApiPath(request.path)
      if (place?.container === undefined || (method !== 'PUT' && method !== 'POST')) return next(request)
      if (place.object === undefined) {
        for (const what of ['bytes', 'count']) {
          const value = headers[`x-container-meta-quota-${what}`]
          if (value && !/^\d+$/.test(value)) return answer(400, `Invalid ${what} quota.`)
        }
        return next(request)
      }
      if (method !== 'PUT') return next(request)
      const state = await containerState(proxy, request.context, place.account, place.container)
      if (!isSuccess(state)) return next(request)
      const bytes = numberIn(state.meta, 'quota-bytes')
      const count = numberIn(state.meta, 'quota-count')
      if (bytes !== undefined && state.bytes + lengthOf(request) > bytes) return refusal(request, state.writeAcl)
      if (count !== undefined && state.objectCount + 1 > count) return refusal(request, state.writeAcl)
      return next(request)
    }
  },
}

export const accountQuotas: Middleware = {
  info: () => ({ account_quotas: {} }),
  wrap(next, { proxy }) {
    return async (request) => {
      const { method, headers, context } = request
      const place = splitApiPath(request.path)
      if (!place || (method !== 'PUT' && method !== 'POST')) return next(request)
      const { account, container, object } = place
      if (container === undefined) {
        const given = headers['x-account-meta-quota-bytes']
        const isRemoved = headers['x-remove-account-meta-quota-bytes'] !== undefined
        if (given === undefined && !isRemoved) return next(request)
        if (given && !/^\d+$/.test(given)) return answer(400, 'Invalid bytes quota.')
        return isReseller(request) ? next(request) : answer(403)
      }
      if (object === undefined || method !== 'PUT' || isReseller(request)) return next(request)
      const state = await accountState(proxy, context, account)
      const most = isSuccess(state) ? numberIn(state.meta, 'quota-bytes') : undefined
      if (most === undefined || state.bytes + lengthOf(request) <= most) return next(request)
      return refusal(request, (await containerState(proxy, context, account, container)).writeAcl)
    }
  },
}

/** Only who stands above all accounts gives them quotas. */
const isReseller = ({ context }: Request): boolean =>
  context.credentials?.roles.some((role) => role.toLowerCase() === 'reselleradmin') ?? false
