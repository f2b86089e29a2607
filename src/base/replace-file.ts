/** Small files that are whole or not there, whatever happens while they are written. */
import { randomBytes } from 'node:crypto'
import { closeSync, fchmodSync, fchownSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** A name beside `file` for what shall take its place. */
export const draftOf = (file: string) => `${file}.${randomBytes(6).toString('hex')}.new`

/** Names of drafts, and of those that earlier releases left. */
export const isDraft = (name: string): boolean => /\.([0-9a-f]{12}|\d+)\.new$/.test(name)

/**
 * Replaces a file in one step: its content is on the disk before its name is, so that a power cut leaves the old file or
 * the new one. `owner` is whose it is to be.
 */
export function replaceFileSync(
  file: string,
  content: string | Uint8Array,
  mode: number,
  owner?: { uid: number; gid: number },
) {
  const draft = draftOf(file)
  try {
    const handle = openSync(draft, 'wx', mode)
    try {
      fchmodSync(handle, mode)
      if (owner) fchownSync(handle, owner.uid, owner.gid)
      writeFileSync(handle, content)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(draft, file)
  } finally {
    rmSync(draft, { force: true })
  }
}
