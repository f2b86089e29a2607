/** A thread that hashes: several streams at once, each block in the order it came. Speaks only with digest-pool.ts. */
import { createHash, createVerify, type Hash, type Verify } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import type { DigestReply, DigestRequest } from './messages.ts'

const port = parentPort
if (!port) throw new Error('digest-worker.ts runs as a worker thread')
const hashes = new Map<number, Hash>()
const verifiers = new Map<number, Verify>()
const reply = (message: DigestReply) => port.postMessage(message)

port.on('message', (request: DigestRequest) => {
  const { stream } = request
  try {
    switch (request.kind) {
      case 'open':
        if (request.isSignature) verifiers.set(stream, createVerify(request.algorithm))
        else hashes.set(stream, createHash(request.algorithm))
        return
      case 'update': {
        const bytes = new Uint8Array(request.buffer, 0, request.length)
        hashes.get(stream)?.update(bytes)
        verifiers.get(stream)?.update(bytes)
        return reply({ stream, kind: 'updated' })
      }
      case 'end':
        return reply({ stream, kind: 'digest', digest: hashes.get(stream)?.digest('hex') ?? '' })
      case 'verify': {
        const { key, padding, saltLength, signature } = request
        const options = {
          key,
          ...(padding !== undefined && { padding }),
          ...(saltLength !== undefined && { saltLength }),
        }
        const isRight = verifiers.get(stream)?.verify(options, signature) === true
        return reply({ stream, kind: 'digest', digest: isRight ? 'right' : 'wrong' })
      }
      case 'close':
        hashes.delete(stream)
        verifiers.delete(stream)
    }
  } catch (error) {
    reply({ stream, kind: 'failed', message: error instanceof Error ? error.message : String(error) })
  }
})
