/** Links that hold for a time: who has the key of an account or a container signs a method, a path and a moment. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import { splitApiPath } from '../model/names.ts'
import { accountState, containerState } from '../proxy/info.ts'
import { answer } from '../wire/answers.ts'
import { fromWire, isSuccess, type Authorize, type Headers, type Request, type Response } from '../wire/message.ts'
import type { Middleware, MiddlewareEnv, Options } from './middleware.ts'

/** By the length of a signature in hexadecimal digits. */
const digestsByLength: Readonly<Record<number, string>> = { 40: 'sha1', 64: 'sha256', 128: 'sha512' }
/** With these a link could read what it is not for. */
const forbidden = ['x-object-manifest', 'x-symlink-target', 'x-copy-from']

const settingsOf = (options: Options) => ({
  methods: options.list('methods', ['GET', 'HEAD', 'PUT', 'POST', 'DELETE']),
  allowed_digests: options.list('allowed_digests', ['sha256', 'sha512']),
  incoming_remove_headers: options.list('incoming_remove_headers', ['x-timestamp']),
  incoming_allow_headers: options.list('incoming_allow_headers', []),
  outgoing_remove_headers: options.list('outgoing_remove_headers', ['x-object-meta-*']),
  outgoing_allow_headers: options.list('outgoing_allow_headers', ['x-object-meta-public-*']),
})

type Settings = ReturnType<typeof settingsOf>

export const tempurl: Middleware = {
  info: (options) => ({ tempurl: settingsOf(options) }),
  wrap(next, env) {
    const settings = settingsOf(env.options)
    const prefix = env.options.text('path_prefix', '').replaceAll(/^\/+|\/+$/g, '')
    return async (request) => {
      const { query, method } = request
      const isSigned = query.has('temp_url_sig') || query.has('temp_url_expires')
      if (method === 'OPTIONS' || !isSigned) return next(request)
      const authorize = await check(env, settings, prefix === '' ? '' : `/${prefix}`, request)
      if (!authorize) return invalid(method)
      const refused =
        method === 'GET' || method === 'HEAD'
          ? undefined
          : forbidden.find((name) => request.headers[name] !== undefined)
      if (refused !== undefined) return answer(400, `The header '${refused}' is not allowed in this tempurl`)
      request.context.authorize = authorize
      request.context.isDecidedElsewhere = true
      const kept = without(request.headers, settings.incoming_remove_headers, settings.incoming_allow_headers)
      const response = await next({ ...request, headers: kept, query: new Map() })
      const headers = without(response.headers, settings.outgoing_remove_headers, settings.outgoing_allow_headers)
      const isShown = (method === 'GET' || method === 'HEAD') && isSuccess(response)
      return { ...response, headers: isShown ? { ...headers, ...dispositionOf(request, headers) } : headers }
    }
  },
}

const invalid = (method: string): Response =>
  answer(401, method === 'HEAD' ? '' : '401 Unauthorized: Temp URL invalid\n')

/** Names, or beginnings of names with a star. */
function without(headers: Headers, removed: readonly string[], kept: readonly string[]): Headers {
  const fits = (patterns: readonly string[], name: string) =>
    patterns.some((each) => {
      const pattern = each.toLowerCase()
      return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
    })
  return Object.fromEntries(Object.entries(headers).filter(([name]) => fits(kept, name) || !fits(removed, name)))
}

/** What the link allows; undefined where it is not good. */
async function check(
  { proxy }: MiddlewareEnv,
  settings: Settings,
  pathPrefix: string,
  request: Request,
): Promise<Authorize | undefined> {
  const { query, method, path, context } = request
  const place = splitApiPath(path)
  const signature = signatureOf(query.get('temp_url_sig') ?? '')
  const expires = momentOf(query.get('temp_url_expires') ?? '')
  if (!place || place.version !== 'v1' || !place.object?.replaceAll('/', '') || place.container === undefined)
    return undefined
  const isKnown = settings.methods.includes(method) && signature && settings.allowed_digests.includes(signature.digest)
  if (!isKnown || expires === undefined || expires * 1000 < Date.now()) return undefined
  const range = query.get('temp_url_ip_range')
  if (range !== undefined && !isWithin(range, request.peer)) return undefined
  const { account, container, object } = place
  const scope = query.get('temp_url_prefix')
  if (scope !== undefined && !object.startsWith(scope)) return undefined
  const signed =
    scope === undefined
      ? `${pathPrefix}/v1/${account}/${container}/${object}`
      : `${pathPrefix}prefix:/v1/${account}/${container}/${scope}`
  // Who may do more with it may look at it too.
  const methods = method === 'HEAD' ? ['HEAD', 'GET', 'POST', 'PUT'] : [method]
  const isGood = (key: string) =>
    methods.some((each) => {
      const lines = [...(range === undefined ? [] : [`ip=${range}`]), each, String(expires), signed]
      const expected = createHmac(signature.digest, key).update(lines.join('\n')).digest()
      return expected.length === signature.bytes.length && timingSafeEqual(expected, signature.bytes)
    })
  const keysIn = ({ meta }: { meta: Headers }) =>
    [meta['temp-url-key'], meta['temp-url-key-2']].flatMap((key) => (key ? [fromWire(key)] : []))
  const denied = async () => answer(401)
  if (keysIn(await accountState(proxy, context, account)).some(isGood))
    return async (asked) => (splitApiPath(asked.path)?.account === account ? undefined : denied())
  if (keysIn(await containerState(proxy, context, account, container)).some(isGood))
    return async (asked) => {
      const other = splitApiPath(asked.path)
      return other?.account === account && other.container === container ? undefined : denied()
    }
  return undefined
}

/** In hexadecimal digits, or `sha256:` and base64. */
function signatureOf(text: string): { digest: string; bytes: Buffer } | undefined {
  const named = /^(sha\d+):([\w+/=-]+)$/.exec(text)
  if (named) return { digest: named[1]!, bytes: Buffer.from(named[2]!, 'base64url') }
  const digest = /^[0-9a-f]+$/i.test(text) ? digestsByLength[text.length] : undefined
  return digest === undefined ? undefined : { digest, bytes: Buffer.from(text, 'hex') }
}

/** Seconds, or ISO 8601. */
function momentOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text)
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) / 1000 : undefined
}

function isWithin(range: string, peer: string | undefined): boolean {
  const [address = '', bits] = range.split('/')
  const family = isIP(address)
  const own = peer?.replace(/^::ffff:(?=\d+\.)/, '') ?? ''
  if (family === 0 || isIP(own) !== family) return false
  const length = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits)
  if (!Number.isInteger(length) || length < 0 || length > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6')
  return list.check(own, family === 4 ? 'ipv4' : 'ipv6')
}

const quote = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** Browsers save what they are given, under the name of the link. */
function dispositionOf({ query, path }: Request, headers: Headers): Headers {
  const filename = query.get('filename')
  const named = (kind: string, name: string) => {
    const plain = quote(name).replaceAll('%20', ' ').replaceAll('%2F', '/')
    return `${kind}; filename="${plain}"; filename*=UTF-8''${quote(name).replaceAll('%2F', '/')}`
  }
  const own = path.replace(/\/+$/, '').split('/').at(-1) ?? ''
  const disposition = query.has('inline')
    ? filename
      ? named('inline', filename)
      : 'inline'
    : filename
      ? named('attachment', filename)
      : (headers['content-disposition'] ?? named('attachment', own))
  const expires = momentOf(query.get('temp_url_expires') ?? '') ?? 0
  return { 'content-disposition': disposition, expires: new Date(expires * 1000).toUTCString() }
}
