/**
 * Memory of data that only passes. V8 counts the bytes of buffers outside of its heap and collects whenever 64 MiB have
 * gathered, so a gigabyte that passes costs fifteen collections; what is released at once costs none.
 */
import { ReadStream } from 'node:fs'
import { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { FileSource } from './file-source.ts'

/** Whether Node gives each chunk of the source memory of its own, which nobody else will look at. */
const ownsItsChunks = (source: unknown): boolean => source instanceof IncomingMessage || source instanceof ReadStream

/** Whether `pass` is cheaper than a pipe: it knows whose the memory of the chunks is. */
export const isPassable = (source: Readable): boolean => source instanceof FileSource || ownsItsChunks(source)

/** Gives the memory of a chunk back; the chunk is empty then. Only for chunks of a source that owns them. */
function release(chunk: Uint8Array) {
  const { buffer } = chunk
  if (buffer instanceof ArrayBuffer && buffer.byteLength === chunk.byteLength) buffer.transfer(0)
}

/**
 * Hands each chunk of a source to `take`, which returns a promise where the source has to wait. The chunk is valid until
 * `take` is done. Rejects with what `take` or the source throws; the source is left open then, with no chunk being taken.
 */
export async function pass(
  source: Readable | AsyncIterable<Uint8Array>,
  take: (chunk: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  if (source instanceof FileSource) return source.eachBlock(take)
  if (source instanceof Readable && ownsItsChunks(source)) return flow(source, take)
  const chunks = source instanceof Readable ? source.iterator({ destroyOnReturn: false }) : source
  for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
    const taking = take(chunk)
    if (taking) await taking
  }
}

/**
 * By events: an iterator would join the chunks that have gathered meanwhile, in memory that is touched for the first time,
 * and cost a promise for each.
 */
function flow(source: Readable, take: (chunk: Uint8Array) => Promise<void> | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let taking: Promise<void> | undefined
    const stop = (error?: unknown) => {
      source.off('data', onData)
      source.pause()
      if (error) reject(error)
      else resolve()
    }
    const onData = (chunk: Uint8Array) => {
      try {
        taking = take(chunk)
      } catch (error) {
        return stop(error)
      }
      if (!taking) return release(chunk)
      source.pause()
      taking.then(() => {
        taking = undefined
        release(chunk)
        source.resume()
      }, stop)
    }
    const end = async () => {
      try {
        await finished(source, { writable: false })
      } finally {
        await taking
      }
    }
    end().then(stop, stop)
    source.on('data', onData)
  })
}
