/**
 * A part of a file as a stream. As a plain stream it gives each reader memory of its own; `eachBlock` reads into a few
 * blocks that go round, and into the next one while a block is being taken: large files pass without a page being touched
 * for the first time, which costs more than the reading.
 */
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'

/** Small enough to stay in the caches of a processor, large enough that the way to the thread that reads does not count. */
const blockSize = 1 << 19
const mostIdle = 8
const idle: Buffer[] = []

const takeBlock = (): Buffer => idle.pop() ?? Buffer.allocUnsafeSlow(blockSize)
const giveBlock = (block: Buffer) => {
  if (idle.length < mostIdle) idle.push(block)
}

export class FileSource extends Readable {
  readonly #handle: FileHandle
  #position: number
  /** Behind the last byte. */
  readonly #end: number

  /** Closes the file when it is destroyed or has ended; `end` is the last byte, as in HTTP. */
  constructor(handle: FileHandle, { start = 0, end = Infinity }: { start?: number; end?: number } = {}) {
    super({ highWaterMark: 1 << 16 })
    this.#handle = handle
    this.#position = start
    this.#end = end + 1
    this.once('close', () => void handle.close().catch(() => undefined))
  }

  /** Hands the bytes to `take` block by block; a block is valid until `take` is done. The stream is used up then. */
  async eachBlock(take: (block: Buffer) => Promise<void> | undefined): Promise<void> {
    let current = takeBlock()
    let next = takeBlock()
    let reading = this.#read(current)
    try {
      for (let length = await reading; length > 0; length = await reading) {
        reading = this.#read(next)
        await take(current.subarray(0, length))
        ;[current, next] = [next, current]
      }
      for (const block of [current, next]) giveBlock(block)
    } finally {
      // After a failure somebody may still be at the blocks: they are left to the collector.
      await reading.catch(() => undefined)
      this.destroy()
    }
  }

  override _read(size: number) {
    const chunk = Buffer.allocUnsafeSlow(Math.max(size, 1 << 16))
    this.#read(chunk).then(
      (length) => this.push(length === 0 ? null : chunk.subarray(0, length)),
      (error: Error) => this.destroy(error),
    )
  }

  async #read(into: Buffer): Promise<number> {
    const wanted = Math.min(into.length, this.#end - this.#position)
    if (wanted <= 0) return 0
    const { bytesRead } = await this.#handle.read(into, 0, wanted, this.#position)
    this.#position += bytesRead
    return bytesRead
  }
}
