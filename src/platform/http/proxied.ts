import type { IncomingHttpHeaders } from 'node:http'

/**
 * `scheme://host/prefix` under which a caller reached this service, by the headers of a proxy in front, as oslo.middleware's
 * http_proxy_to_wsgi reads them; `baseUrl` where they say nothing. Only for services that are told to trust them.
 */
export function proxiedUrl(headers: IncomingHttpHeaders, baseUrl: string): string {
  const forwarded = first(headers['forwarded'])
  const said = forwarded === undefined ? xForwarded(headers) : parseForwarded(forwarded)
  if (said.proto === undefined && said.host === undefined && said.prefix === undefined) return baseUrl
  const own = new URL(baseUrl)
  const proto = /^https?$/.test(said.proto ?? '') ? said.proto : own.protocol.slice(0, -1)
  const host = [said.host, first(headers.host), own.host].find((each) => each !== undefined && isHost(each))
  const prefix = said.prefix !== undefined && /^(\/[\w.~-]+)+$/.test(said.prefix) ? said.prefix : ''
  return `${proto}://${host}${prefix}`
}

interface Said {
  proto?: string | undefined
  host?: string | undefined
  prefix?: string | undefined
}

const xForwarded = (headers: IncomingHttpHeaders): Said => ({
  proto: first(headers['x-forwarded-proto']),
  host: first(headers['x-forwarded-host']),
  prefix: first(headers['x-forwarded-prefix']),
})

/** RFC 7239, of the proxy that the caller spoke to. */
function parseForwarded(text: string): Said {
  const pairs = text.split(';').map((each) => each.trim().split('=') as [string, string?])
  const of = (name: string) => pairs.find(([key]) => key.toLowerCase() === name)?.[1]?.replace(/^"(.*)"$/, '$1')
  return { proto: of('proto'), host: of('host') }
}

/** The first of several, which the outermost proxy wrote. */
const first = (value: string | string[] | undefined): string | undefined =>
  (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim() || undefined

const isHost = (text: string): boolean => /^([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?$/.test(text)
