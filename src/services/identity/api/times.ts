import { Invalid } from '../../../platform/errors.ts'

/** A time as keystone shows it: microseconds (those beyond the milliseconds are `micros`), UTC. */
export const isoMicros = (ms: number, micros = 0): string =>
  new Date(ms).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`)

/** The microseconds of a time in a request beyond its milliseconds. */
export const microsOf = (text: string): number => Number(/\.\d{3}(\d{3})/.exec(text)?.[1] ?? 0)

/**
 * An `expires_at` of a request in milliseconds; a time without a zone is UTC. Throws Invalid for what is no time and
 * for a time that has passed.
 */
export function expiryOf(text: string): number {
  const ms = Date.parse(/Z$|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`)
  if (Number.isNaN(ms))
    throw new Invalid(
      'Timestamp not in expected format. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.',
    )
  if (ms <= Date.now())
    throw new Invalid(
      "The 'expires_at' must not be before now. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.",
    )
  return ms
}
