/** Reads tar archives as they come: the regular files of it, each as a stream that is read before the next one. */
import { refuse } from '../wire/answers.ts'

const block = 512
/** Of names and attributes, which are kept in memory. */
const mostHeader = 1 << 20

/** Bytes in pieces of the size that is wanted. */
class Pieces {
  readonly #source: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** At most so many bytes; none at the end. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#source.next()
      if (done) return Buffer.alloc(0)
      // The memory of a chunk may be used again for the next one.
      this.#rest = Buffer.from(value)
    }
    const piece = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(piece.length)
    return piece
  }

  /** So many bytes; fewer at the end. */
  async exactly(size: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    for (let left = size; left > 0;) {
      const piece = await this.some(left)
      if (piece.length === 0) break
      pieces.push(piece)
      left -= piece.length
    }
    return Buffer.concat(pieces)
  }

  async skip(size: number): Promise<void> {
    for (let left = size; left > 0;) {
      const { length } = await this.some(left)
      if (length === 0) return
      left -= length
    }
  }
}

export interface TarFile {
  readonly name: string
  readonly size: number
  content(): AsyncGenerator<Buffer>
}

const textIn = (bytes: Buffer) => bytes.toString('utf8').replace(/\0[^]*$/, '')

function sizeIn(field: Buffer): number {
  // Large sizes are written as a number, not as digits.
  if (field[0]! & 0x80) return Number(field.readBigUInt64BE(4))
  const digits = textIn(field).trim()
  return /^[0-7]*$/.test(digits)
    ? Number.parseInt(digits || '0', 8)
    : refuse(400, 'Invalid Tar File: a size is no number')
}

/** `27 path=some/name` */
function attributesIn(content: Buffer): Map<string, string> {
  const found = new Map<string, string>()
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at)
    const length = Number(content.toString('latin1', at, space))
    if (space < 0 || !Number.isInteger(length) || length <= 0) break
    const [name = '', ...value] = content.toString('utf8', space + 1, at + length - 1).split('=')
    found.set(name, value.join('='))
    at += length
  }
  return found
}

export async function* filesOf(source: AsyncIterable<Buffer>): AsyncGenerator<TarFile> {
  const pieces = new Pieces(source)
  let longName: string | undefined
  let attributes = new Map<string, string>()
  for (;;) {
    const head = await pieces.exactly(block)
    if (head.length < block || head.every((byte) => byte === 0)) return
    checkSum(head)
    const type = String.fromCharCode(head[156]!)
    const size = Number(attributes.get('size') ?? sizeIn(head.subarray(124, 136)))
    const padding = (block - (size % block)) % block
    if (type === 'L' || type === 'x') {
      if (size > mostHeader) refuse(400, 'Invalid Tar File: a name is too long')
      const content = await pieces.exactly(size)
      await pieces.skip(padding)
      if (type === 'L') longName = textIn(content)
      else attributes = attributesIn(content)
      continue
    }
    let left = size
    if (type === '0' || type === '\0') {
      const prefix = head.toString('latin1', 257, 262) === 'ustar' ? textIn(head.subarray(345, 500)) : ''
      const plain = textIn(head.subarray(0, 100))
      yield {
        name: attributes.get('path') ?? longName ?? (prefix === '' ? plain : `${prefix}/${plain}`),
        size,
        async *content() {
          while (left > 0) {
            const piece = await pieces.some(left)
            if (piece.length === 0) return
            left -= piece.length
            yield piece
          }
        },
      }
    }
    await pieces.skip(left + padding)
    longName = undefined
    attributes = new Map()
  }
}

function checkSum(head: Buffer) {
  const said = Number.parseInt(textIn(head.subarray(148, 156)).trim(), 8)
  const sum = head.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (sum !== said) refuse(400, 'Invalid Tar File: checksum of a header')
}
