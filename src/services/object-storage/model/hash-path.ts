/** Where a name belongs: the hash of its path, mixed with what only this cluster knows. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** `[swift-hash]` of swift.conf. */
export interface HashMix {
  readonly prefix: string
  readonly suffix: string
}

/** The hash of `/account`, `/account/container` or `/account/container/object`. */
export const hashPath = ({ prefix, suffix }: HashMix, ...names: readonly string[]): Buffer =>
  createHash('md5')
    .update(`${prefix}/${names.join('/')}${suffix}`)
    .digest()

/** The folder of a hash below its device. */
export function folderOf(kind: string, part: number | string, hash: Buffer): string {
  const text = hash.toString('hex')
  return join(kind, String(part), text.slice(-3), text)
}
