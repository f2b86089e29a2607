import { isIpv4, isIpv6 } from '../../base/ip.ts'

export interface ThrottleOptions {
  /** Lines of one source in a window that are written. */
  most: number
  windowMs: number
  /** Told at the end of a window how many more there were. */
  summary(source: string, more: number): void
}

/** More sources than these share one count. */
const mostSources = 1000
const others = 'others'

/** Lets the first lines of each source through and counts the rest, so that who floods fills no log. */
export class Throttle {
  readonly #options: ThrottleOptions
  readonly #counts = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: ThrottleOptions) {
    this.#options = options
  }

  /** Whether a line of this source is to be written. */
  admits(source: string): boolean {
    const key = this.#counts.has(source) || this.#counts.size < mostSources ? source : others
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, count)
    if (!this.#timer) this.#timer = setTimeout(() => this.#end(), this.#options.windowMs).unref()
    return count <= this.#options.most
  }

  #end() {
    this.#timer = undefined
    const { most, summary } = this.#options
    for (const [source, count] of this.#counts) if (count > most) summary(source, count - most)
    this.#counts.clear()
  }
}

/** Who sent something: an address, or the network of an IPv6 address, of which anybody has as many as he likes. */
export function sourceOf(peer: string | undefined): string {
  if (peer === undefined) return 'inside'
  const address = peer.replace(/^::ffff:(?=\d+\.)/, '')
  if (isIpv4(address) || !isIpv6(address)) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) while (groups.length < 4) groups.push('0')
  return `${groups.slice(0, 4).join(':')}::/64`
}
