/** Requests that change accounts and containers come no faster than is allowed: they wait, and when that takes long are refused. */
import { setTimeout as sleep } from 'node:timers/promises'
import { splitApiPath } from '../model/names.ts'
import { containerState } from '../proxy/info.ts'
import { answer } from '../wire/answers.ts'
import type { Middleware, Options } from './middleware.ts'

/** Seconds between requests of a key; the next moment for each. */
class Pace {
  readonly #next = new Map<string, number>()

  /** Milliseconds until the request may go on, which takes its place. Undefined where that is too long. */
  take(key: string, perSecond: number, bufferMs: number, mostMs: number): number | undefined {
    const now = Date.now()
    const step = 1000 / perSecond
    const earliest = Math.max(this.#next.get(key) ?? 0, now - bufferMs)
    const wait = Math.max(earliest - now, 0)
    if (wait > mostMs) return undefined
    this.#next.set(key, earliest + step)
    if (this.#next.size > 10_000) for (const [old, at] of this.#next) if (at < now - bufferMs) this.#next.delete(old)
    return wait
  }
}

/** `container_ratelimit_100 = 50`: from a size on so many requests in a second. */
function limitsIn(options: Options, prefix: string): (size: number) => number | undefined {
  const sizes = options.names().flatMap((name) => {
    const found = name.startsWith(prefix) ? /^\d+$/.exec(name.slice(prefix.length)) : null
    return found ? [{ size: Number(found[0]), rate: options.number(name, 0) }] : []
  })
  const sorted = sizes.sort((a, b) => b.size - a.size)
  return (size) => sorted.find((limit) => size >= limit.size)?.rate || undefined
}

export const ratelimit: Middleware = {
  info: (options) => ({
    ratelimit: {
      account_ratelimit: options.number('account_ratelimit', 0),
      max_sleep_time_seconds: options.number('max_sleep_time_seconds', 60),
    },
  }),
  wrap(next, { options, proxy }) {
    const pace = new Pace()
    const accountRate = options.number('account_ratelimit', 0)
    const mostMs = options.number('max_sleep_time_seconds', 60) * 1000
    const bufferMs = options.number('rate_buffer_seconds', 5) * 1000
    const writes = limitsIn(options, 'container_ratelimit_')
    const listings = limitsIn(options, 'container_listing_ratelimit_')
    return async (request) => {
      const { method, path, context } = request
      const place = splitApiPath(path)
      if (!place) return next(request)
      const { account, container, object } = place
      const limits: (readonly [key: string, rate: number | undefined])[] = []
      if (container !== undefined && object === undefined && (method === 'PUT' || method === 'DELETE'))
        limits.push([`ratelimit/${account}`, accountRate || undefined])
      const isWrite = object !== undefined && ['PUT', 'POST', 'DELETE', 'COPY'].includes(method)
      const isListing = container !== undefined && object === undefined && method === 'GET'
      if (container !== undefined && (isWrite || isListing)) {
        const { objectCount } = await containerState(proxy, context, account, container)
        limits.push([
          `${isWrite ? 'write' : 'list'}/${account}/${container}`,
          (isWrite ? writes : listings)(objectCount),
        ])
      }
      for (const [key, rate] of limits) {
        const wait = rate === undefined ? 0 : pace.take(key, rate, bufferMs, mostMs)
        if (wait === undefined) return answer(498, 'Slow down')
        if (wait > 0) await sleep(wait)
      }
      return next(request)
    }
  },
}
