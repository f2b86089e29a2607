/**
 * What a web server in front has found out about a client: the attributes of an assertion, a user that it has
 * authenticated, a client's certificate. They come as headers, and headers can be written by anyone: they count only on
 * connections from the addresses that the operator has named.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { ConfigError } from '../../../platform/config/config.ts'
import type { IdentityConfig } from '../config.ts'
import { LoginRefused } from '../errors.ts'

type Config = Pick<
  IdentityConfig,
  | 'trustedProxies'
  | 'assertionHeaderPrefix'
  | 'assertionPrefix'
  | 'remoteUserHeader'
  | 'remoteDomainHeader'
  | 'clientCertificateHeader'
>

/** What is asked of a request; `peer` is the address at the other end of its connection. */
export interface Connection {
  readonly headers: IncomingHttpHeaders
  readonly peer: string | undefined
}

/** What a trusted proxy says; nothing for all others. */
export interface Assertion {
  /** An attribute by the name that mappings use. Throws LoginRefused when two headers claim to be it. */
  attribute(name: string): string | undefined
  readonly remoteUser: string | undefined
  readonly remoteDomain: string | undefined
  /** PEM. */
  readonly clientCertificate: string | undefined
}

const nothing: Assertion = {
  attribute: () => undefined,
  remoteUser: undefined,
  remoteDomain: undefined,
  clientCertificate: undefined,
}

export class TrustedProxies {
  readonly #config: Config
  readonly #trusted: BlockList

  /** Throws ConfigError on what is no address or network, and on header names that would trust every header. */
  constructor(config: Config) {
    this.#config = config
    this.#trusted = readNetworks(config.trustedProxies)
    if (config.trustedProxies.length > 0 && config.assertionHeaderPrefix === '')
      throw new ConfigError('[federation] assertion_header_prefix is empty: every header of a client would count')
  }

  isTrusted(peer: string | undefined): boolean {
    // A socket that listens on IPv6 shows IPv4 clients as ::ffff:a.b.c.d.
    const address = peer?.replace(/^::ffff:(?=\d+\.)/i, '')
    if (address === undefined) return false
    const family = isIP(address)
    return family !== 0 && this.#trusted.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }

  assertionOf({ headers, peer }: Connection): Assertion {
    if (!this.isTrusted(peer)) return nothing
    const { assertionHeaderPrefix, assertionPrefix, remoteUserHeader, remoteDomainHeader } = this.#config
    const attributes = attributesIn(headers, assertionHeaderPrefix.toLowerCase())
    const remoteUser = headerOf(headers, remoteUserHeader)
    return {
      attribute(name) {
        if (!name.startsWith(assertionPrefix)) return undefined
        return name === 'REMOTE_USER' ? remoteUser : attributes.get(plain(name))
      },
      remoteUser,
      remoteDomain: headerOf(headers, remoteDomainHeader),
      clientCertificate: certificateOf(headerOf(headers, this.#config.clientCertificateHeader)),
    }
  }
}

function readNetworks(texts: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of texts) {
    const [address = '', prefix, ...rest] = text.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const longest = family === 'ipv6' ? 128 : 32
    const bits = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN
    if (isIP(address) === 0 || rest.length > 0 || !(bits >= 0 && bits <= longest))
      throw new ConfigError(`[federation] trusted_proxies: '${text}' is neither an address nor a network`)
    list.addSubnet(address, bits, family)
  }
  return list
}

/** Names of attributes without what headers cannot keep: case, and the sign between words. */
const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-')

/**
 * The attributes by their plain names. A header `X-Assertion-Mail` is `Mail`, `X-Assertion-Mail` and, as WSGI servers
 * call it, `HTTP_X_ASSERTION_MAIL`. Web servers that remove `X-Assertion-*` from what clients send do not remove
 * `X-Assertion_*`: such names count only where the prefix itself has an underscore.
 */
function attributesIn(headers: IncomingHttpHeaders, prefix: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const whole = new Set<string>()
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(prefix) || (header.includes('_') && !prefix.includes('_'))) continue
    if (whole.has(plain(header))) throw new LoginRefused(`two headers claim to be the attribute ${plain(header)}`)
    whole.add(plain(header))
    const text = decode([value ?? ''].flat().join(';'))
    for (const name of [header.slice(prefix.length), header, `http-${header}`]) found.set(plain(name), text)
  }
  return found
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = name === '' ? undefined : headers[name.toLowerCase()]
  return typeof value === 'string' && value !== '' && value !== '(null)' ? decode(value) : undefined
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Headers come as Latin-1; what was UTF-8 before becomes so again, as identity providers send it. */
function decode(value: string): string {
  try {
    return utf8.decode(Buffer.from(value, 'latin1'))
  } catch {
    return value
  }
}

/** A certificate fits into a header URL-encoded (nginx), with spaces or with tabs for line ends (Apache, HAProxy). */
function certificateOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const plainText = text.includes('%') ? safelyUnescape(text) : text
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(plainText)?.[1]
  if (body === undefined) return undefined
  const lines = body.replace(/\s+/g, '').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function safelyUnescape(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
