/**
 * Writes Python pickles of protocol 2, which every Python reads: what builder files, the metadata of objects and the lines
 * of `.pending` and `async_pending` files are made of. Nothing is remembered for a second use, as a reader needs none of it.
 */
import { Float, Tuple } from './values.ts'

/** What can be written: Map is a dict, Array a list, Buffer bytes, Uint16Array and Uint8Array arrays of their numbers. */
export function pickle(value: unknown): Buffer {
  const parts: Buffer[] = [Buffer.from([0x80, 2])]
  write(value, parts)
  parts.push(Buffer.from('.'))
  return Buffer.concat(parts)
}

const code = (text: string) => Buffer.from(text, 'latin1')

function write(value: unknown, out: Buffer[]): void {
  if (value === null || value === undefined) out.push(code('N'))
  else if (typeof value === 'boolean') out.push(Buffer.from([value ? 0x88 : 0x89]))
  else if (typeof value === 'number') out.push(Number.isInteger(value) ? integer(value) : float(value))
  else if (value instanceof Float) out.push(float(value.value))
  else if (typeof value === 'string') out.push(unicode(value))
  else if (Buffer.isBuffer(value)) writeBytes(value, out)
  else if (value instanceof Uint16Array) writeArray('H', value, out)
  else if (value instanceof Uint8Array) writeArray('B', value, out)
  else if (value instanceof Tuple) writeTuple(value, out)
  else if (Array.isArray(value)) writeList(value, out)
  else if (value instanceof Map) writeDict(value, out)
  else throw new TypeError(`no pickle of ${typeof value}`)
}

function integer(value: number): Buffer {
  if (value >= 0 && value < 0x100) return Buffer.from([0x4b, value])
  if (value >= 0 && value < 0x10000) return Buffer.from([0x4d, value & 0xff, value >> 8])
  if (value >= -0x80000000 && value < 0x80000000) {
    const bytes = Buffer.alloc(5, 'J')
    bytes.writeInt32LE(value, 1)
    return bytes
  }
  const bytes = Buffer.alloc(10)
  bytes[0] = 0x8a
  bytes[1] = 8
  bytes.writeBigInt64LE(BigInt(value), 2)
  return bytes
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(9, 'G')
  bytes.writeDoubleBE(value, 1)
  return bytes
}

function unicode(text: string): Buffer {
  const body = Buffer.from(text)
  const head = Buffer.alloc(5, 'X')
  head.writeUInt32LE(body.length, 1)
  return Buffer.concat([head, body])
}

/** Protocol 2 has no bytes of its own: a call that makes them from text. */
function writeBytes(bytes: Buffer, out: Buffer[]) {
  if (bytes.length === 0) out.push(code('c__builtin__\nbytes\n)R'))
  else out.push(code('c_codecs\nencode\n'), unicode(bytes.toString('latin1')), unicode('latin1'), code('\x86R'))
}

function writeArray(type: 'B' | 'H', numbers: Uint8Array | Uint16Array, out: Buffer[]) {
  out.push(code('carray\narray\n'), unicode(type), code('](')) // an empty list to which all is appended
  const bytes = Buffer.allocUnsafe(numbers.length * 3)
  let length = 0
  for (const number of numbers) {
    if (number < 0x100) {
      bytes[length++] = 0x4b
      bytes[length++] = number
    } else {
      bytes[length++] = 0x4d
      bytes[length++] = number & 0xff
      bytes[length++] = number >> 8
    }
  }
  out.push(bytes.subarray(0, length), code('e\x86R'))
}

function writeTuple({ items }: Tuple, out: Buffer[]) {
  const ends = [')', '\x85', '\x86', '\x87']
  if (items.length > 3) out.push(code('('))
  for (const item of items) write(item, out)
  out.push(code(ends[items.length] ?? 't'))
}

function writeList(items: readonly unknown[], out: Buffer[]) {
  out.push(code(']('))
  for (const item of items) write(item, out)
  out.push(code('e'))
}

function writeDict(entries: ReadonlyMap<unknown, unknown>, out: Buffer[]) {
  out.push(code('}('))
  for (const [key, value] of entries) {
    write(key, out)
    write(value, out)
  }
  out.push(code('u'))
}
