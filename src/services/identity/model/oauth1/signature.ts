/** Signed requests of OAuth 1.0a. Source: RFC 5849, section 3. */
import { createHmac } from 'node:crypto'

export type OAuthParams = ReadonlyMap<string, string>

/** The signature methods that are accepted; PLAINTEXT is none: it sends the secrets themselves. */
const hashes: Readonly<Record<string, string>> = {
  'HMAC-SHA1': 'sha1',
  'HMAC-SHA256': 'sha256',
  'HMAC-SHA512': 'sha512',
}

/** Seconds that the clocks of client and server may differ. */
export const timestampLifetime = 600

/** RFC 3986's unreserved characters stay, everything else is encoded. */
const quote = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** The parameters of an `Authorization: OAuth …` header; undefined when it is none or names one twice. */
export function parseOAuthHeader(header: string | undefined): OAuthParams | undefined {
  const match = /^OAuth\s+(.*)$/is.exec(header ?? '')
  if (!match || match[1]!.length > 8192) return undefined
  const params = new Map<string, string>()
  for (const part of match[1]!.split(',')) {
    const pair = /^\s*([^=\s]+)="([^"]*)"\s*$/.exec(part)
    if (!pair) return undefined
    const [name, value] = [unquote(pair[1]!), unquote(pair[2]!)]
    if (name === undefined || value === undefined || params.has(name)) return undefined
    params.set(name, value)
  }
  return params
}

function unquote(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** What is wrong with the form of signed parameters, in oauthlib's words; undefined when nothing is. */
export function problemOf(params: OAuthParams, nowSeconds: number): string | undefined {
  const needed = ['oauth_signature', 'oauth_consumer_key', 'oauth_nonce', 'oauth_timestamp', 'oauth_signature_method']
  if (needed.some((name) => !params.get(name))) return 'Missing mandatory OAuth parameters.'
  const method = params.get('oauth_signature_method')!
  if (!Object.hasOwn(hashes, method)) return `Invalid signature, ${method} not in ${Object.keys(hashes).join(', ')}.`
  if ((params.get('oauth_version') ?? '1.0') !== '1.0') return 'Invalid OAuth version.'
  const timestamp = params.get('oauth_timestamp')!
  if (timestamp.length !== 10) return 'Invalid timestamp size'
  if (!/^\d+$/.test(timestamp)) return 'Timestamp must be an integer.'
  if (Math.abs(nowSeconds - Number(timestamp)) > timestampLifetime)
    return `Timestamp given is invalid, differ from allowed by over ${timestampLifetime} seconds.`
  if (!/^[0-9a-f]{32}$/.test(params.get('oauth_consumer_key')!)) return 'Invalid client key format.'
  if (!/^[A-Za-z0-9._~-]{1,64}$/.test(params.get('oauth_nonce')!)) return 'Invalid nonce format.'
  return undefined
}

/** Scheme and host in lower case, no default port, no query. */
function baseUri(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

/** The text that is signed. */
export function baseString(method: string, address: string, params: OAuthParams): string {
  const url = new URL(address)
  const pairs = [
    ...url.searchParams,
    ...[...params].filter(([name]) => name !== 'realm' && name !== 'oauth_signature'),
  ].map(([name, value]) => [quote(name), quote(value)] as const)
  // By bytes, as the RFC says: quoted texts are ASCII.
  pairs.sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
  const normalized = pairs.map(([name, value]) => `${name}=${value}`).join('&')
  return [method.toUpperCase(), quote(baseUri(url)), quote(normalized)].join('&')
}

/** The signature that the holder of both secrets would give. */
export function signatureOf(params: OAuthParams, text: string, secrets: { client: string; token: string }): string {
  const hash = hashes[params.get('oauth_signature_method') ?? '']
  if (hash === undefined) throw new Error('the method of a signature is checked before')
  return createHmac(hash, `${quote(secrets.client)}&${quote(secrets.token)}`)
    .update(text)
    .digest('base64')
}
