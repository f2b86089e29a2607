/** When a log begins anew: oslo.log's options, of every service's configuration. */
import { ConfigError, readOption } from '../config/config.ts'
import type { Program } from '../config/upstream.ts'
import { logOptions } from './options.ts'

export interface Rotation {
  /** Bytes that a file may have. */
  readonly maxBytes: number
  /** When a file that was begun at a time is full, in milliseconds since the epoch. */
  endOf(begun: number): number
  /** How many full files are kept. */
  readonly keep: number
}

const units: Readonly<Record<string, number>> = { seconds: 1000, minutes: 60_000, hours: 3_600_000, days: 86_400_000 }

/** Throws ConfigError. */
export function readRotation(program: Program, files: readonly string[]): Rotation {
  const type = readOption(program, logOptions.rotationType, files).toLowerCase()
  const keep = readOption(program, logOptions.maxCount, files)
  const never = () => Infinity
  if (type === 'none') return { maxBytes: Infinity, endOf: never, keep }
  if (type === 'size')
    return { maxBytes: readOption(program, logOptions.maxSizeMb, files) * 1024 * 1024, endOf: never, keep }
  const interval = readOption(program, logOptions.interval, files)
  const kind = readOption(program, logOptions.intervalType, files).toLowerCase()
  if (kind === 'weekday' && interval > 6)
    throw new ConfigError(`[DEFAULT] log_rotate_interval = ${interval}: a weekday is 0 (Monday) to 6 (Sunday)`)
  return { maxBytes: Infinity, endOf: (begun) => endOfInterval(begun, kind, interval), keep }
}

function endOfInterval(begun: number, kind: string, interval: number): number {
  if (kind === 'midnight') return midnightAfter(begun, interval)
  // The file of a week ends with that day; JavaScript's weeks begin on Sunday.
  if (kind === 'weekday') return midnightAfter(begun, ((interval + 1 - new Date(begun).getDay() + 7) % 7) + 1)
  return begun + interval * units[kind]!
}

function midnightAfter(time: number, days: number): number {
  const midnight = new Date(time)
  midnight.setHours(24 * days, 0, 0, 0)
  return midnight.getTime()
}
