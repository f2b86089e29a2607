/**
 * Hashing in worker threads, so that md5 and sha512 of the same bytes run beside each other and beside the event loop.
 * Blocks are shared memory: a block may be used again when every `update` of it has resolved.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { DigestReply, DigestRequest } from './messages.ts'

/** One hash over a stream of blocks. Always `close` it. */
export interface DigestStream {
  update(block: SharedBlock): Promise<void>
  /** Hexadecimal. */
  end(): Promise<string>
  close(): void
}

/** As DigestStream, over a signature of the bytes. */
export interface SignatureStream extends Omit<DigestStream, 'end'> {
  verify(input: { key: string; padding?: number; saltLength?: number; signature: Uint8Array }): Promise<boolean>
}

/** Shared memory that is filled from its start. */
export class SharedBlock {
  readonly buffer: SharedArrayBuffer
  readonly #bytes: Buffer
  #length = 0

  constructor(size: number) {
    this.buffer = new SharedArrayBuffer(size)
    this.#bytes = Buffer.from(this.buffer)
  }

  get length() {
    return this.#length
  }

  get room() {
    return this.#bytes.length - this.#length
  }

  /** What was put in. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** At most `room` bytes. */
  put(bytes: Uint8Array) {
    if (bytes.length === 0) return // `fill` has nothing to repeat
    // `set` copies into shared memory word by word, in three times the time of `fill`.
    this.#bytes.fill(bytes, this.#length, (this.#length += bytes.length))
  }

  clear() {
    this.#length = 0
  }
}

interface Waiting {
  resolve(digest: string): void
  reject(error: Error): void
}

/** A thread with the answers it owes: they come in the order of the questions, stream by stream. */
class DigestThread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting[]>()
  load = 0

  constructor(onExit: (thread: DigestThread) => void) {
    this.#worker = new Worker(new URL('./digest-worker.ts', import.meta.url), { name: 'digest' })
    this.#worker.unref()
    this.#worker.on('message', (reply: DigestReply) => {
      const waiting = this.#waiting.get(reply.stream)?.shift()
      if (reply.kind === 'failed') waiting?.reject(new Error(`hashing failed: ${reply.message}`))
      else waiting?.resolve(reply.kind === 'digest' ? reply.digest : '')
    })
    const gone = (cause?: Error) => {
      onExit(this)
      for (const list of this.#waiting.values())
        for (const each of list) each.reject(new Error('the hashing thread ended', { cause }))
      this.#waiting.clear()
    }
    this.#worker.on('error', gone)
    this.#worker.on('exit', () => gone())
  }

  tell(request: DigestRequest) {
    this.#send(request)
  }

  ask(request: DigestRequest): Promise<string> {
    return new Promise((resolve, reject) => {
      const list = this.#waiting.get(request.stream) ?? []
      this.#waiting.set(request.stream, list)
      list.push({ resolve, reject })
      this.#send(request)
    })
  }

  #send(request: DigestRequest) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(request)
  }

  forget(stream: number) {
    this.#waiting.delete(stream)
  }

  end(): Promise<number> {
    return this.#worker.terminate()
  }
}

/** Threads are started when they are first needed and stay. */
export class DigestPool {
  readonly #size: number
  #threads: DigestThread[] = []
  #next = 0

  constructor(size = Math.max(2, Math.min(8, availableParallelism()))) {
    this.#size = size
  }

  open(algorithm: string): DigestStream {
    const { thread, stream } = this.#start(algorithm, false)
    return { ...this.#common(thread, stream), end: () => thread.ask({ kind: 'end', stream }) }
  }

  openSignature(algorithm: string): SignatureStream {
    const { thread, stream } = this.#start(algorithm, true)
    return {
      ...this.#common(thread, stream),
      verify: async (input) => (await thread.ask({ kind: 'verify', stream, ...input })) === 'right',
    }
  }

  async close(): Promise<void> {
    const threads = this.#threads
    this.#threads = []
    await Promise.all(threads.map((thread) => thread.end()))
  }

  #common(thread: DigestThread, stream: number): Omit<DigestStream, 'end'> {
    let isOpen = true
    return {
      update: async (block) =>
        void (await thread.ask({ kind: 'update', stream, buffer: block.buffer, length: block.length })),
      close() {
        if (!isOpen) return
        isOpen = false
        thread.load--
        thread.tell({ kind: 'close', stream })
        thread.forget(stream)
      },
    }
  }

  #start(algorithm: string, isSignature: boolean) {
    const idle = this.#threads.find((thread) => thread.load === 0)
    let thread = idle
    if (!thread && this.#threads.length < this.#size) {
      thread = new DigestThread((gone) => (this.#threads = this.#threads.filter((each) => each !== gone)))
      this.#threads.push(thread)
    }
    thread ??= this.#threads.reduce((least, each) => (each.load < least.load ? each : least))
    const stream = this.#next++
    thread.load++
    thread.tell({ kind: 'open', stream, algorithm, isSignature })
    return { thread, stream }
  }
}

/** A fixed number of blocks that go round: who wants one waits until one is given back. */
export class BlockRing {
  readonly #free: SharedBlock[]
  readonly #waiting: ((block: SharedBlock) => void)[] = []

  constructor(count: number, size: number) {
    this.#free = Array.from({ length: count }, () => new SharedBlock(size))
  }

  take(): SharedBlock | Promise<SharedBlock> {
    const block = this.#free.pop()
    return block ?? new Promise((resolve) => this.#waiting.push(resolve))
  }

  give(block: SharedBlock) {
    block.clear()
    const next = this.#waiting.shift()
    if (next) next(block)
    else this.#free.push(block)
  }
}
