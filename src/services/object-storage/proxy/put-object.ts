/** Writes an object to its replicas at once, as fast as the slowest of them takes it. */
import type { Readable } from 'node:stream'
import { pass } from '../../../base/chunks.ts'
import type { Node } from '../model/ring/ring.ts'
import { answer, refuse, Refusal } from '../wire/answers.ts'
import type { Headers, Response } from '../wire/message.ts'
import type { ProxyDeps } from './deps.ts'
import { Inlet } from './inlet.ts'
import { ask, bestOf, quorumOf, type Place } from './nodes.ts'

interface PutInput {
  readonly headersFor: (index: number) => Headers
  readonly body: Readable | undefined
  readonly maxSize: number
}

interface Connection {
  readonly inlet: Inlet
  readonly answer: Promise<Response | undefined>
}

export async function putObject(
  deps: ProxyDeps,
  place: Place,
  { headersFor, body, maxSize }: PutInput,
): Promise<Response> {
  const primaries = place.ring.primaries(place.part)
  const [only] = primaries
  // Its server reads the request itself, and nothing is copied.
  if (primaries.length === 1 && deps.backends.isHere(only!) && headersFor(0)['content-length'] !== undefined)
    return (await ask(deps, 'object', only!, message(place, headersFor(0), body))) ?? answer(503)

  const handoffs = place.ring.handoffs(place.part)
  const opened = await Promise.all(primaries.map((node, index) => open(deps, place, node, handoffs, headersFor(index))))
  const early = opened.flatMap(({ early }) => early ?? [])
  const connections = opened.flatMap(({ connection }) => connection ?? [])
  if (connections.length < quorumOf(primaries.length)) {
    for (const { inlet } of connections) inlet.destroy()
    return bestOf(early, primaries.length)
  }
  try {
    await feed(connections, body, maxSize)
  } catch (error) {
    for (const { inlet } of connections) inlet.destroy(error instanceof Error ? error : undefined)
    if (error instanceof Refusal) return error.response
    deps.log.info({ err: error }, 'a client went away while it wrote an object')
    return answer(499)
  }
  const answers = await Promise.all(connections.map((connection) => connection.answer))
  const all = [...early, ...answers.flatMap((each) => each ?? [])]
  const etags = new Set(all.flatMap(({ status, headers }) => (status === 201 ? (headers['etag'] ?? []) : [])))
  return etags.size > 1 ? answer(500) : bestOf(all, primaries.length)
}

const message = (place: Place, headers: Headers, body: Readable | undefined) => ({
  method: 'PUT',
  path: `/${place.part}${place.path}`,
  headers,
  ...(body && { body }),
})

/** A server that takes the body: the primary, or a handoff in its place; else what it says at once. */
async function open(
  deps: ProxyDeps,
  place: Place,
  node: Node,
  handoffs: Generator<Node>,
  headers: Headers,
): Promise<{ connection?: Connection; early?: Response }> {
  let early: Response | undefined
  for (let next: Node | undefined = node; next; next = handoffs.next().value as Node | undefined) {
    const inlet = new Inlet()
    const coming = ask(deps, 'object', next, message(place, headers, inlet))
    const first = await Promise.race([inlet.wanted.then(() => 'wanted' as const), coming])
    if (first === 'wanted') return { connection: { inlet, answer: coming } }
    inlet.destroy()
    if (first && first.status < 500) return { early: first }
    early = first ?? early
  }
  return { early: early ?? answer(503) }
}

async function feed(connections: readonly Connection[], body: Readable | undefined, maxSize: number): Promise<void> {
  let size = 0
  if (body)
    await pass(body, async (chunk) => {
      size += chunk.length
      if (size > maxSize) refuse(413)
      await Promise.all(connections.map(({ inlet }) => inlet.feed(chunk)))
      if (connections.every(({ inlet }) => inlet.destroyed)) throw new Error('no server takes the object')
    })
  await Promise.all(connections.map(({ inlet }) => inlet.feed(null)))
}
