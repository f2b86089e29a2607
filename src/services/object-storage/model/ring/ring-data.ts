/**
 * Ring files. Version 1 is written and read, version 2 only read. Equal rings are equal files, in both programs: the time in
 * the file is always the same, and the compression is zlib's own, which Node's variant of it does not keep to the bit.
 */
import { deflateRaw } from 'pako'
import { constants, crc32, gunzipSync } from 'node:zlib'
import { floatText } from '../pickle/values.ts'
import type { Device } from './device.ts'
import { RingError } from './errors.ts'
import type { Assignments } from './state.ts'

/** A ring as it is handed out. */
export interface RingData {
  /** By id; null where there was one. */
  readonly devices: readonly (Omit<Device, 'parts'> | null)[]
  readonly assignments: Assignments
  readonly partShift: number
  readonly nextPartPower: number | null
  readonly version: number | null
}

const magic = 'R1NG'
/** In every ring file. */
const fileTime = 1300507380

/** Pieces of JSON as Python writes it: sorted names, ASCII only, weights as floats. */
function json(value: unknown, name = ''): string {
  if (Array.isArray(value)) return `[${value.map((each) => json(each)).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined)
    const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${sorted.map(([key, each]) => `${json(key)}: ${json(each, key)}`).join(', ')}}`
  }
  if (typeof value === 'number' && name === 'weight') return floatText(value)
  const escape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replaceAll(/[^ -~]/g, escape)
}

/** The bytes of a ring file; `fileName` is written into it as gzip does. */
export function writeRing(ring: RingData, fileName: string): Buffer {
  const { devices, assignments, partShift, nextPartPower, version } = ring
  const text = json({
    devs: devices,
    part_shift: partShift,
    replica_count: assignments.length,
    byteorder: 'little',
    ...(version !== null && { version }),
    ...(nextPartPower !== null && { next_part_power: nextPartPower }),
  })
  const head = Buffer.alloc(10)
  head.write(magic)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(text.length, 6)
  return gzip(Buffer.concat([head, Buffer.from(text), ...assignments.map(bytesOf)]), fileName.replace(/\.gz$/, ''))
}

const isBigEndian = new Uint8Array(new Uint16Array([1]).buffer)[1] === 1

function bytesOf(row: Uint16Array): Buffer {
  const bytes = Buffer.from(row.slice().buffer)
  return isBigEndian ? bytes.swap16() : bytes
}

function gzip(content: Buffer, name: string): Buffer {
  const head = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 2, 255])
  head.writeUInt32LE(fileTime, 4)
  const tail = Buffer.alloc(8)
  tail.writeUInt32LE(crc32(content), 0)
  tail.writeUInt32LE(content.length % 2 ** 32, 4)
  const body = deflateRaw(content, { level: 9, memLevel: 8 })
  return Buffer.concat([head, Buffer.from(`${name}\0`, 'latin1'), body, tail])
}

/** Reads a ring file. Throws RingError. */
export function readRing(file: Uint8Array): RingData {
  const content = inflate(file)
  if (content.toString('latin1', 0, 4) !== magic) throw new RingError('the file is no ring')
  const version = content.readUInt16BE(4)
  if (version === 1) return readVersion1(content)
  if (version === 2) return readVersion2(content)
  throw new RingError(`Unknown ring format version ${version}`)
}

function inflate(file: Uint8Array): Buffer {
  try {
    return gunzipSync(file, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch (cause) {
    throw new RingError('the file is not compressed by gzip', { cause })
  }
}

interface Metadata {
  devs?: RingData['devices']
  part_shift: number
  replica_count?: number
  byteorder?: string
  dev_id_bytes?: number
  version?: number | null
  next_part_power?: number | null
}

const ringOf = (meta: Metadata, devices: RingData['devices'], assignments: Assignments): RingData => ({
  devices: devices.map((device) => device && { ...device, region: device.region ?? 1 }),
  assignments,
  partShift: meta.part_shift,
  nextPartPower: meta.next_part_power ?? null,
  version: meta.version ?? null,
})

function parse<T>(bytes: Buffer): T {
  try {
    return JSON.parse(bytes.toString()) as T
  } catch (cause) {
    throw new RingError('the ring’s description is no JSON', { cause })
  }
}

/** Rows of at most `rowLength` numbers of `size` bytes. */
function rowsOf(bytes: Buffer, rowLength: number, size: number, isLittle: boolean): Assignments {
  const rows: Assignments = []
  for (let start = 0; start < bytes.length; start += rowLength * size) {
    const row = bytes.subarray(start, start + rowLength * size)
    const at = (index: number) => (isLittle ? row.readUIntLE(index * size, size) : row.readUIntBE(index * size, size))
    rows.push(Uint16Array.from({ length: Math.floor(row.length / size) }, (_, index) => at(index)))
  }
  return rows
}

function readVersion1(content: Buffer): RingData {
  const length = content.readUInt32BE(6)
  const meta = parse<Metadata>(content.subarray(10, 10 + length))
  const table = content.subarray(10 + length)
  return ringOf(meta, meta.devs ?? [], rowsOf(table, 2 ** (32 - meta.part_shift), 2, meta.byteorder !== 'big'))
}

/** Sections with their lengths before them; where the table of them begins is written sixteen bytes before the end. */
function readVersion2(content: Buffer): RingData {
  const blobAt = (at: number) => {
    const length = Number(content.readBigUInt64BE(at))
    if (at + 8 + length > content.length) throw new RingError('the ring is cut off')
    return content.subarray(at + 8, at + 8 + length)
  }
  const index = parse<Record<string, readonly unknown[]>>(blobAt(Number(content.readBigUInt64BE(content.length - 16))))
  const section = (name: string) => {
    const start = index[`swift/ring/${name}`]?.[1]
    if (typeof start !== 'number') throw new RingError(`the ring has no ${name}`)
    return blobAt(start)
  }
  const meta = parse<Metadata>(section('metadata'))
  const size = meta.dev_id_bytes ?? 2
  if (size !== 2 && size !== 4) throw new RingError(`ids of devices with ${size} bytes are not known`)
  const devices = parse<RingData['devices']>(section('devices'))
  if (devices.length > 0xffff) throw new RingError('the ring has more devices than can be told apart here')
  return ringOf(meta, devices, rowsOf(section('assignments'), 2 ** (32 - meta.part_shift), size, false))
}
