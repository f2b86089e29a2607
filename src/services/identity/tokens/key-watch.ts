/** Notices that a key repository was rotated by another process, e.g. keystone-manage on a timer of the operator. */
import { readdirSync, statSync } from 'node:fs'

const lookMs = 2000

/** Calls `reload` when the files of any folder have changed; returns what ends it. A failing reload is told to `failed`. */
export function watchKeys(
  folders: readonly string[],
  reload: () => void,
  failed: (error: unknown) => void,
): () => void {
  let known = stampOf(folders)
  const timer = setInterval(() => {
    const now = stampOf(folders)
    if (now === known) return
    try {
      reload()
      known = now
    } catch (error) {
      // In the middle of a rotation, or broken: the keys that were read go on, and the next look tries again.
      failed(error)
    }
  }, lookMs)
  timer.unref()
  return () => clearInterval(timer)
}

const stampOf = (folders: readonly string[]): string => folders.map(stampOfFolder).join('|')

function stampOfFolder(folder: string): string {
  try {
    return `${statSync(folder).mtimeMs} ${readdirSync(folder).join(' ')}`
  } catch {
    return 'absent'
  }
}
