/** Asking the servers that hold something: the first that has it, or all of them until enough agree. */
import { randomInt } from 'node:crypto'
import type { Logger } from '../../../platform/log/log.ts'
import type { Node, Ring } from '../model/ring/ring.ts'
import { zero } from '../model/timestamp.ts'
import { answer } from '../wire/answers.ts'
import { isSuccess, isTrue, type Headers, type Response } from '../wire/message.ts'
import type { BackendMessage, Backends, ServerKind } from './backends.ts'

export interface Place {
  readonly kind: ServerKind
  readonly ring: Ring
  readonly part: number
  /** `/account/container/object` */
  readonly path: string
}

/** How many of so many are enough. */
export const quorumOf = (count: number): number => Math.floor((count + 1) / 2)

/** Primaries in any order, then handoffs, twice as many in all as there are replicas. */
export function nodesOf({ ring, part }: Pick<Place, 'ring' | 'part'>): Node[] {
  const primaries = ring.primaries(part)
  for (let at = primaries.length - 1; at > 0; at--) {
    const other = randomInt(at + 1)
    ;[primaries[at], primaries[other]] = [primaries[other]!, primaries[at]!]
  }
  const most = ring.replicaCount * 2
  for (const node of ring.handoffs(part)) {
    if (primaries.length >= most) break
    primaries.push(node)
  }
  return primaries
}

const unavailable = () => answer(503)

/** One server's answer; undefined where there is none, or it is of no use. */
export async function ask(
  { backends, log }: { backends: Backends; log: Logger },
  kind: ServerKind,
  node: Node,
  message: BackendMessage,
): Promise<Response | undefined> {
  try {
    const response = await backends.send(kind, node, message)
    if (response.status === 507 || response.status >= 500)
      log.warn({ kind, device: node.device, ip: node.ip, status: response.status }, 'a storage server cannot do it now')
    return response
  } catch (error) {
    log.warn({ err: error, kind, device: node.device, ip: node.ip }, 'a storage server does not answer')
    return undefined
  }
}

const timeIn = ({ headers }: Response): string =>
  headers['x-backend-data-timestamp'] ?? headers['x-backend-timestamp'] ?? headers['x-put-timestamp'] ?? zero

/** For GET and HEAD: the first good answer, or with `X-Newest` the newest; else what most say is wrong. */
export async function readFrom(
  deps: { backends: Backends; log: Logger },
  { kind, ring, part, path }: Place,
  message: Omit<BackendMessage, 'path'>,
): Promise<Response> {
  const isNewest = isTrue(message.headers['x-newest'])
  const answers: Response[] = []
  let best: Response | undefined
  for (const node of nodesOf({ ring, part })) {
    const response = await ask(deps, kind, node, { ...message, path: `/${part}${path}` })
    if (!response) continue
    answers.push(response)
    const isGood = isSuccess(response) || response.status === 304 || response.status === 412 || response.status === 416
    if (!isGood) continue
    if (!isNewest) return response
    if (!best || timeIn(response) > timeIn(best)) {
      discard(best)
      best = response
    } else discard(response)
  }
  return best ?? bestOf(answers, ring.replicaCount)
}

export function discard(response: Response | undefined): void {
  const body = response?.body
  if (typeof body === 'object' && body !== null && 'destroy' in body) body.destroy()
}

/** What enough servers say; 503 where they do not agree. */
export function bestOf(answers: readonly Response[], replicas: number): Response {
  const quorum = quorumOf(replicas)
  for (const hundred of [2, 3, 4]) {
    const same = answers.filter(({ status }) => Math.floor(status / 100) === hundred)
    if (same.length >= quorum) return same.reduce((best, each) => (each.status > best.status ? each : best))
  }
  return unavailable()
}

/** For what changes something: every replica is told, a handoff in place of one that cannot be. */
export async function tellAll(
  deps: { backends: Backends; log: Logger },
  { kind, ring, part, path }: Place,
  method: string,
  headersFor: (index: number) => Headers,
): Promise<Response> {
  const primaries = ring.primaries(part)
  const handoffs = ring.handoffs(part)
  const tell = async (node: Node, index: number): Promise<Response> => {
    for (let next: Node | undefined = node; next; next = handoffs.next().value as Node | undefined) {
      const response = await ask(deps, kind, next, { method, path: `/${part}${path}`, headers: headersFor(index) })
      if (response && response.status < 500) return response
      // Where there is nobody else its word counts.
      if (response && response.status !== 507 && next.isHandoff) return response
    }
    return unavailable()
  }
  return bestOf(await Promise.all(primaries.map(tell)), primaries.length)
}
