/**
 * Takes data in: hashed in worker threads, measured and inspected while it passes to its store. Memory is a few blocks,
 * however large the image is.
 */
import { Readable } from 'node:stream'
import { pass } from '../../../base/chunks.ts'
import {
  BlockRing,
  type DigestPool,
  type SharedBlock,
  type SignatureStream,
} from '../../../base/digests/digest-pool.ts'
import { checkDeclared, checkSoFar } from '../../../base/disk-formats/check-declared.ts'
import { DiskInspector } from '../../../base/disk-formats/inspector.ts'
import type { DiskProblemCode } from '../../../base/disk-formats/probe.ts'
import { ServiceError } from '../../../platform/errors.ts'
import { TooLarge, UnsupportedFormat } from '../errors.ts'
import type { StoreWriter } from '../stores/store.ts'

export interface IntakeOptions {
  /** Of os_hash_value. */
  algorithm: string
  /** The format that the data must have; undefined where any will do. */
  declared: string | undefined
  ignoredProblems: readonly DiskProblemCode[]
  /** Most bytes to take. */
  limit: number
  signal?: AbortSignal
  /** Stays open when all went well: the caller verifies it. */
  signature?: SignatureStream
  /** Called now and then with the bytes so far. */
  onProgress?: (bytes: number) => void
}

export interface Found {
  size: number
  virtual_size: number | null
  checksum: string
  hash_algo: string
  hash_value: string
}

/** Small enough to be still in the caches of a processor when it is hashed and written, large enough to be worth a message. */
const blockSize = 1 << 20
const blockCount = 6
/** Who sends less than this in a minute is cut off. */
const slowestPerMinute = 60 * 1024

/** Throws UnsupportedFormat, TooLarge, 408 on senders that are too slow, and whatever `data` and `writer` throw. */
export async function takeIn(
  digests: DigestPool,
  data: Readable | AsyncIterable<Uint8Array>,
  writer: Pick<StoreWriter, 'write'>,
  options: IntakeOptions,
): Promise<Found> {
  const intake = new Intake(digests, writer, options)
  const watch = watchSpeed(data, () => intake.size)
  try {
    // Not destroyed when we stop early: the connection has still to carry the refusal.
    await pass(data, (chunk) => {
      options.signal?.throwIfAborted()
      return intake.add(chunk)
    })
    watch.check()
    return await intake.end()
  } catch (error) {
    options.signature?.close()
    watch.check()
    throw error
  } finally {
    watch.stop()
    await intake.close()
  }
}

/** Ends a source that gives next to nothing for a minute; `check` throws 408 then. */
export function watchSpeed(data: unknown, size: () => number) {
  let before = 0
  let isTooSlow = false
  const timer = setInterval(() => {
    const now = size()
    isTooSlow = now - before < slowestPerMinute
    before = now
    if (isTooSlow && data instanceof Readable) data.destroy()
  }, 60_000).unref()
  return {
    stop: () => clearInterval(timer),
    check() {
      if (isTooSlow) throw new ServiceError('timeout', 'The image data came too slowly.')
    },
  }
}

class Intake {
  size = 0
  readonly #options: IntakeOptions
  readonly #writer: Pick<StoreWriter, 'write'>
  readonly #md5
  readonly #long
  readonly #inspector = new DiskInspector()
  readonly #ring = new BlockRing(blockCount, blockSize)
  readonly #pending = new Set<Promise<void>>()
  #block: SharedBlock | undefined
  #lastWrite: Promise<void> = Promise.resolve()
  #failure: { error: unknown } | undefined

  constructor(digests: DigestPool, writer: Pick<StoreWriter, 'write'>, options: IntakeOptions) {
    this.#options = options
    this.#writer = writer
    this.#md5 = digests.open('md5')
    this.#long = digests.open(options.algorithm)
  }

  /** A promise only where the caller has to wait: most chunks just fill a block. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#failure) throw this.#failure.error
    this.size += chunk.length
    if (this.size > this.#options.limit)
      throw new TooLarge('The incoming image is too large: The provided image is too large.')
    const block = this.#block
    if (block && chunk.length < block.room) {
      block.put(chunk)
      return undefined
    }
    return this.#fill(chunk)
  }

  async #fill(chunk: Uint8Array): Promise<void> {
    for (let offset = 0; offset < chunk.length;) {
      this.#block ??= await this.#ring.take()
      const block = this.#block
      const part = chunk.subarray(offset, offset + block.room)
      block.put(part)
      offset += part.length
      if (block.room === 0) this.#dispatch(block)
    }
  }

  #dispatch(block: SharedBlock) {
    this.#block = undefined
    const { bytes } = block
    this.#inspector.write(bytes)
    const { declared, signature, onProgress } = this.#options
    const verdict = declared === undefined ? { ok: true as const } : checkSoFar(this.#inspector.verdict, declared)
    if (!verdict.ok) throw new UnsupportedFormat(verdict.reason)
    this.#lastWrite = this.#lastWrite.then(() => this.#writer.write(bytes))
    const work = [this.#md5.update(block), this.#long.update(block), this.#lastWrite]
    if (signature) work.push(signature.update(block))
    const done: Promise<void> = Promise.all(work)
      .then(() => onProgress?.(this.size))
      .catch((error: unknown) => void (this.#failure ??= { error }))
      .finally(() => {
        this.#pending.delete(done)
        this.#ring.give(block)
      })
    this.#pending.add(done)
  }

  async end(): Promise<Found> {
    const { declared, ignoredProblems, algorithm } = this.#options
    if (this.#block && this.#block.length > 0) this.#dispatch(this.#block)
    await Promise.all(this.#pending)
    if (this.#failure) throw (this.#failure as { error: unknown }).error
    const report = this.#inspector.end()
    const verdict =
      declared === undefined ? { ok: true as const } : checkDeclared(report, declared, { ignore: ignoredProblems })
    if (!verdict.ok) throw new UnsupportedFormat(verdict.reason)
    const [checksum, hash] = await Promise.all([this.#md5.end(), this.#long.end()])
    return {
      size: this.size,
      virtual_size: report.virtualSize,
      checksum,
      hash_algo: algorithm,
      hash_value: hash,
    }
  }

  /** Nothing touches the writer after this. */
  async close(): Promise<void> {
    await Promise.all(this.#pending)
    this.#md5.close()
    this.#long.close()
  }
}
