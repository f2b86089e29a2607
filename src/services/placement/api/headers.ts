import type { ApiVersion } from '../../../platform/http/versions.ts'

/** `Last-Modified` and `Cache-Control` from 1.15 on; now where no time is known. */
export const cacheHeaders = (version: ApiVersion, modifiedAt?: number): Record<string, string> =>
  version.has('cache-headers')
    ? { 'Last-Modified': new Date(modifiedAt || Date.now()).toUTCString(), 'Cache-Control': 'no-cache' }
    : {}

/** The latest of these times; undefined for none. */
export const latest = (times: Iterable<number>): number | undefined => {
  let best: number | undefined
  for (const time of times) if (best === undefined || time > best) best = time
  return best
}
