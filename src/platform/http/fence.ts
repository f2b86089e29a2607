/**
 * Fetching what a user names without lending them this host's network position (server-side request forgery). A name is
 * resolved once, every address it has is checked, and the connection goes to a checked address, so that a name which
 * changes its mind meets the same wall. Redirects are checked like the first URL; size and time are bounded.
 */
import { lookup as resolve } from 'node:dns/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP, isIPv4 } from 'node:net'
import type { LookupFunction } from 'node:net'
import { Transform, type Readable } from 'node:stream'

/** What may be fetched. Lists are exact; an empty allow list allows all, and a filled one silences its deny list. */
export interface FenceRules {
  readonly allowedSchemes: readonly string[]
  readonly disallowedSchemes?: readonly string[]
  readonly allowedHosts: readonly string[]
  readonly disallowedHosts?: readonly string[]
  readonly allowedPorts: readonly number[]
  readonly disallowedPorts?: readonly number[]
  /** Networks in CIDR form that may be reached although they are local, private or reserved. */
  readonly allowedNetworks: readonly string[]
  readonly maxRedirects: number
  readonly maxBytes: number
  /** From the first byte asked for to the last one received, in ms. */
  readonly timeoutMs: number
}

/** A URL that may not be fetched, or an answer that may not be used; the message is for the user. */
export class FenceError extends Error {}

export interface FencedAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** Fails with FenceError when it grows over `maxBytes` or takes too long. */
  readonly body: Readable
}

export interface FencedRequest {
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: 'GET' | 'HEAD'
  readonly signal?: AbortSignal
}

/** Addresses that no user has a reason to name: this host, its links, private networks, what is reserved. */
const forbidden = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  forbidden.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  ['::', 127], // unspecified and loopback
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001:db8::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  forbidden.addSubnet(network, prefix, 'ipv6')

/** True when an address may be connected to. An IPv6 address that carries an IPv4 one is judged by that as well. */
export function isAllowedAddress(address: string, allowedNetworks: readonly string[]): boolean {
  const bare = address.replace(/%.*$/, '')
  if (isIP(bare) === 0) return false
  const carried = carriedIPv4(bare)
  const judged = carried === undefined ? bare : carried
  const family = isIPv4(judged) ? 'ipv4' : 'ipv6'
  for (const network of allowedNetworks) {
    const [base = '', prefix] = network.split('/')
    const list = new BlockList()
    list.addSubnet(base, Number(prefix ?? (isIPv4(base) ? 32 : 128)), isIPv4(base) ? 'ipv4' : 'ipv6')
    if (list.check(judged, family)) return true
  }
  return !forbidden.check(judged, family)
}

/** The IPv4 address inside a mapped, compatible, NAT64, 6to4 or Teredo address. */
function carriedIPv4(address: string): string | undefined {
  if (isIPv4(address)) return undefined
  const words = expand(address)
  const dotted = (high: number, low: number) => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const isZero = (from: number, to: number) => words.slice(from, to).every((word) => word === 0)
  if (isZero(0, 5) && words[5] === 0xffff) return dotted(words[6]!, words[7]!)
  if (isZero(0, 6) && (words[6] !== 0 || words[7]! > 1)) return dotted(words[6]!, words[7]!)
  if (isZero(0, 4) && words[4] === 0xffff && words[5] === 0) return dotted(words[6]!, words[7]!)
  if (words[0] === 0x64 && words[1] === 0xff9b && isZero(2, 6)) return dotted(words[6]!, words[7]!)
  if (words[0] === 0x2002) return dotted(words[1]!, words[2]!)
  if (words[0] === 0x2001 && words[1] === 0) return dotted(words[6]! ^ 0xffff, words[7]! ^ 0xffff)
  return undefined
}

function expand(address: string): number[] {
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_whole, a: string, b: string, c: string, d: string) =>
    [(Number(a) << 8) | Number(b), (Number(c) << 8) | Number(d)].map((word) => word.toString(16)).join(':'),
  )
  const [head = '', tail] = text.split('::')
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)))
  const left = parse(head)
  const right = tail === undefined ? [] : parse(tail)
  return [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => 0), ...right]
}

/** Checks everything of a URL that can be known without the network. Throws FenceError. */
export function checkUrl(text: string, rules: FenceRules): URL {
  const refuse = (why: string): never => {
    throw new FenceError(`${text} ${why}`)
  }
  if (text.length > 2048) throw new FenceError('The URL is longer than 2048 characters')
  const url = URL.canParse(text) ? new URL(text) : refuse('is no URL')
  const scheme = url.protocol.slice(0, -1)
  const { allowedSchemes, allowedHosts, allowedPorts } = rules
  if (scheme !== 'http' && scheme !== 'https') refuse('is neither http nor https')
  if (!passes(scheme, allowedSchemes, rules.disallowedSchemes)) refuse('has a scheme that is not allowed')
  if (url.username !== '' || url.password !== '') refuse('has a user name, which is not allowed')
  const host = url.hostname.toLowerCase().replace(/\.$/, '')
  if (host === '') refuse('has no host')
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (!passes(bare, allowedHosts, rules.disallowedHosts)) refuse('names a host that is not allowed')
  const port = Number(url.port || (scheme === 'https' ? 443 : 80))
  if (!passes(port, allowedPorts, rules.disallowedPorts)) refuse('names a port that is not allowed')
  // `new URL` has turned decimal, octal and hexadecimal spellings into the dotted one.
  if (isIP(bare) !== 0 && !isAllowedAddress(bare, rules.allowedNetworks)) refuse('names an address that is not allowed')
  return url
}

function passes<T>(value: T, allowed: readonly T[], disallowed: readonly T[] = []): boolean {
  return allowed.length > 0 ? allowed.includes(value) : !disallowed.includes(value)
}

/** Fetches `text` through the fence. Throws FenceError on what is not allowed; other statuses than 2xx are the caller's. */
export async function fencedFetch(
  text: string,
  rules: FenceRules,
  { headers = {}, method = 'GET', signal }: FencedRequest = {},
): Promise<FencedAnswer> {
  const deadline = AbortSignal.timeout(rules.timeoutMs)
  const stop = signal ? AbortSignal.any([signal, deadline]) : deadline
  let url = checkUrl(text, rules)
  let sent = headers
  for (let hops = 0; ; hops++) {
    const answer = await send(url, method, sent, rules, stop)
    const status = answer.statusCode ?? 0
    const target = answer.headers.location
    if (![301, 302, 303, 307, 308].includes(status) || target === undefined) {
      const length = Number(answer.headers['content-length'] ?? 0)
      if (length > rules.maxBytes) {
        answer.destroy()
        throw new FenceError(`${text} is larger than ${rules.maxBytes} bytes`)
      }
      return { status, headers: answer.headers, body: bounded(answer, text, rules.maxBytes, stop, deadline) }
    }
    answer.destroy()
    if (hops >= rules.maxRedirects) throw new FenceError(`${text} redirects more than ${rules.maxRedirects} times`)
    const next = checkUrl(URL.canParse(target, url.href) ? new URL(target, url).href : target, rules)
    // Credentials are for the server they were meant for (CVE-2026-42997).
    if (next.origin !== url.origin) sent = {}
    url = next
  }
}

async function send(
  url: URL,
  method: string,
  headers: Readonly<Record<string, string>>,
  rules: FenceRules,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const found = await addressesOf(host)
  const refused = found.find(({ address }) => !isAllowedAddress(address, rules.allowedNetworks))
  if (refused || found.length === 0) throw new FenceError(`${url.href} names an address that is not allowed`)
  const [first] = found
  // The connection goes to what was checked, whatever the name says by then.
  const pinned: LookupFunction = (_name, options, done) => {
    if (options.all) done(null, found)
    else done(null, first!.address, first!.family)
  }
  return new Promise((resolve, reject) => {
    const make: typeof httpRequest = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = make(url, { method, headers: { ...headers }, lookup: pinned, agent: false, signal }, resolve)
    request.on('error', (cause) => reject(new FenceError(`${url.href} cannot be fetched: ${reason(cause)}`, { cause })))
    request.end()
  })
}

async function addressesOf(host: string): Promise<{ address: string; family: number }[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  try {
    return await resolve(host, { all: true, verbatim: true })
  } catch (cause) {
    throw new FenceError(`${host} cannot be resolved`, { cause })
  }
}

const reason = (error: Error): string =>
  error.name === 'TimeoutError' || error.name === 'AbortError'
    ? 'it took too long'
    : ((error as NodeJS.ErrnoException).code ?? error.message)

function bounded(
  answer: IncomingMessage,
  what: string,
  maxBytes: number,
  stop: AbortSignal,
  deadline: AbortSignal,
): Readable {
  let size = 0
  const meter = new Transform({
    highWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      done(size > maxBytes ? new FenceError(`${what} is larger than ${maxBytes} bytes`) : null, chunk)
    },
  })
  const end = () =>
    meter.destroy(new FenceError(deadline.aborted ? `${what} took too long` : `fetching ${what} was stopped`))
  stop.addEventListener('abort', end, { once: true })
  answer.on('error', (cause) => meter.destroy(new FenceError(`${what} cannot be fetched: ${reason(cause)}`, { cause })))
  answer.on('aborted', () => meter.destroy(new FenceError(`${what} ended too early`)))
  // Whoever reads hears of it; an error before that must not end the process.
  meter.on('error', () => undefined)
  meter.on('close', () => {
    stop.removeEventListener('abort', end)
    answer.destroy()
  })
  return answer.pipe(meter)
}
