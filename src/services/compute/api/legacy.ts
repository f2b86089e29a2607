import type { App } from '../../../platform/http/app.ts'

const versionHeaders = new Set(['openstack-api-version', 'x-openstack-nova-api-version'])

/** Nova's oldest endpoint: below `/v2` is what `/v2.1` is at its first microversion, whatever version is asked for. */
export function withLegacyEndpoint(app: App): App {
  return {
    ...app,
    dispatch(request) {
      const below = /^\/v2(\/[^?].*)$/.exec(request.url)?.[1]
      if (below === undefined) return app.dispatch(request)
      const headers = Object.entries(request.headers).filter(([name]) => !versionHeaders.has(name))
      return app.dispatch({ ...request, url: `/v2.1${below}`, headers: Object.fromEntries(headers) })
    },
  }
}
