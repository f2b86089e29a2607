/** Cross-origin requests, as oslo.middleware answers them under `[cors]`. */
import type { App } from './app.ts'
import type { RawRequest, RawResponse } from './message.ts'

export interface CorsOptions {
  /** Origins that may call; `*` for any. Empty: the app is left as it is. */
  allowedOrigin: readonly string[]
  allowCredentials: boolean
  exposeHeaders: readonly string[]
  allowHeaders: readonly string[]
  allowMethods: readonly string[]
  maxAge: number
}

/** The app with CORS headers on its answers; preflight requests are answered before it. */
export function withCors(app: App, options: CorsOptions): App {
  if (options.allowedOrigin.length === 0) return app
  return {
    ...app,
    async dispatch(request) {
      const answer = request.method === 'OPTIONS' ? await preflight(app, request, options) : await app.dispatch(request)
      const origin = allowed(request, options)
      if (origin === undefined) return answer
      return { ...answer, headers: { ...answer.headers, ...commonHeaders(origin, options) } }
    },
  }
}

/** Any OPTIONS is 200; what is allowed is said only to an origin, method and headers that are. */
async function preflight(app: App, request: RawRequest, options: CorsOptions): Promise<RawResponse> {
  const answer = await app.dispatch(request)
  const method = textOf(request, 'access-control-request-method')
  const asked = (textOf(request, 'access-control-request-headers') ?? '').split(',').map((name) => name.trim())
  const known = new Set([...simpleHeaders, ...options.allowHeaders].map((name) => name.toLowerCase()))
  const isAllowed =
    allowed(request, options) !== undefined &&
    method !== undefined &&
    options.allowMethods.includes(method) &&
    asked.every((name) => name === '' || known.has(name.toLowerCase()))
  const headers: Record<string, string> = { ...answer.headers }
  delete headers['Allow']
  if (isAllowed) {
    headers['Access-Control-Max-Age'] = String(options.maxAge)
    headers['Access-Control-Allow-Methods'] = method
    if (asked[0] !== '') headers['Access-Control-Allow-Headers'] = asked.join(',')
  }
  return { ...answer, status: 200, headers, body: undefined }
}

const simpleHeaders = [
  'Accept',
  'Accept-Language',
  'Content-Type',
  'Cache-Control',
  'Expires',
  'Last-Modified',
  'Pragma',
]

const textOf = (request: RawRequest, name: string): string | undefined => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function allowed(request: RawRequest, { allowedOrigin }: CorsOptions): string | undefined {
  const origin = textOf(request, 'origin')
  if (origin === undefined) return undefined
  return allowedOrigin.includes('*') || allowedOrigin.includes(origin) ? origin : undefined
}

const commonHeaders = (origin: string, options: CorsOptions): Record<string, string> => ({
  'Access-Control-Allow-Origin': origin,
  ...(options.allowCredentials && { 'Access-Control-Allow-Credentials': 'true' }),
  ...(options.exposeHeaders.length > 0 && { 'Access-Control-Expose-Headers': options.exposeHeaders.join(',') }),
})
