/**
 * Moments as the storage servers write them: seconds with five digits behind the point, so that texts compare as numbers,
 * with an offset where something was written again for the same moment.
 */

/** `1700000000.12345`, or with an offset `1700000000.12345_0000000000000001`. */
export type Timestamp = string

export const zero: Timestamp = '0000000000.00000'
const steps = 100_000

let last = 0

/** A moment later than any that this process has given. */
export function now(): Timestamp {
  last = Math.max(last + 1, Math.floor(Date.now() * (steps / 1000)))
  return ofSteps(last)
}

function ofSteps(value: number): Timestamp {
  const seconds = Math.floor(value / steps)
  return `${String(seconds).padStart(10, '0')}.${String(value - seconds * steps).padStart(5, '0')}`
}

const stepsOf = (time: Timestamp): number => {
  const [seconds = '0', rest = '0'] = normal(time).split('.')
  return Number(seconds) * steps + Number(rest)
}

/** A moment from what a request says; undefined where that is none. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const [number = '', offset] = text.split('_')
  if (!/^\d{1,11}(\.\d*)?$/.test(number) || (offset !== undefined && !/^[0-9a-f]{1,16}$/i.test(offset)))
    return undefined
  const moment = ofSteps(Math.round(Number(number) * steps))
  return offset === undefined || Number.parseInt(offset, 16) === 0
    ? moment
    : `${moment}_${offset.toLowerCase().padStart(16, '0')}`
}

/** Without the offset. */
export const normal = (time: Timestamp): string => time.split('_')[0]!

export const secondsOf = (time: Timestamp): number => Number(normal(time))

/** Whole seconds for `Last-Modified`: the next one, so that nothing seems older than it is. */
export const httpDate = (time: Timestamp): string => new Date(Math.ceil(secondsOf(time)) * 1000).toUTCString()

/** `2026-01-01T00:00:00.123450`, as listings have it. */
export function isoOf(time: Timestamp): string {
  const [seconds = '0', rest = '0'] = normal(time).split('.')
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${rest.padEnd(6, '0')}`
}

/** Three moments of an object in one text: of its data, of its type, of its metadata; what is the same is left out. */
export function encodeTimes(data: Timestamp, type: Timestamp, meta: Timestamp): string {
  const step = (from: Timestamp, to: Timestamp) => {
    const difference = stepsOf(to) - stepsOf(from)
    return `${difference < 0 ? '-' : '+'}${Math.abs(difference).toString(16)}`
  }
  if (meta !== type) return `${data}${step(data, type)}${step(type, meta)}`
  return type === data ? data : `${data}${step(data, type)}`
}

/** The moments of such a text. */
export function decodeTimes(text: string): [data: Timestamp, type: Timestamp, meta: Timestamp] {
  const parts = /^([\d._a-f]+?)(?:([+-])([0-9a-f]+))?(?:([+-])([0-9a-f]+))?$/.exec(text)
  const data = parts?.[1] ?? zero
  const later = (from: Timestamp, sign: string | undefined, digits: string | undefined) =>
    sign === undefined ? from : ofSteps(stepsOf(from) + Number.parseInt(digits!, 16) * (sign === '-' ? -1 : 1))
  const type = later(data, parts?.[2], parts?.[3])
  return [data, type, later(type, parts?.[4], parts?.[5])]
}

/** Name of a file of metadata: its moment, and where its type is of another moment how far that is away. */
export function metaFileName(time: Timestamp, typeTime: Timestamp | undefined): string {
  if (typeTime === undefined) return time
  const difference = stepsOf(typeTime) - stepsOf(time)
  return `${time}${difference < 0 ? '-' : '+'}${Math.abs(difference).toString(16)}`
}
