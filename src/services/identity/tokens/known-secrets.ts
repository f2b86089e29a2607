/**
 * Secrets of machines that were found right before: an application credential or a service that logs in often is not
 * hashed slowly each time. Only a keyed digest is kept, in memory, bound to the stored hash; a wrong secret always costs
 * the hash. Passwords of people are never kept: they can be guessed from a digest.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const most = 10_000
const key = randomBytes(32)
/** Digest by stored hash, in the order of first use. */
const known = new Map<string, Buffer>()

const digestOf = (secret: string) => createHmac('sha256', key).update(secret).digest()

/** True for a secret that is remembered for this hash. */
export function isKnownSecret(secret: string, hash: string | null | undefined): boolean {
  const digest = hash == null ? undefined : known.get(hash)
  return digest !== undefined && timingSafeEqual(digest, digestOf(secret))
}

/** Remembers a secret that is the one of `hash`. */
export function rememberSecret(secret: string, hash: string): void {
  if (known.size >= most) known.delete(known.keys().next().value!)
  known.set(hash, digestOf(secret))
}
