import type { Readable } from 'node:stream'

/** Takes exactly that many bytes from the beginning of a stream and leaves the rest in it; undefined where it ends before. */
export function takeBytes(stream: Readable, count: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const settle = (bytes: Buffer | undefined) => {
      stream.off('readable', look).off('end', end).off('close', end)
      resolve(bytes)
    }
    const look = () => {
      const bytes = stream.read(count) as Buffer | null
      if (bytes !== null) settle(bytes.length === count ? bytes : undefined)
    }
    const end = () => settle(undefined)
    stream.on('readable', look).on('end', end).on('close', end)
    if (stream.readableEnded || stream.destroyed) end()
  })
}
