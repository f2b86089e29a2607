/** Files that others read while we write: replaced in one step, with the mode they shall have from the first byte on. */
import { open, readFile, rename, rm } from 'node:fs/promises'
import { draftOf } from '../base/replace-file.ts'
import { isErrno } from './process.ts'

/** Replaces a file; its content is on the disk before its name is, so that a power cut leaves the old file or the new one. */
export async function replaceFile(file: string, content: string | Uint8Array, mode: number): Promise<void> {
  const draft = draftOf(file)
  try {
    const handle = await open(draft, 'wx', mode)
    try {
      await handle.chmod(mode) // the umask may have taken bits away
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
}

/** Returns whether the file had to change. */
export async function ensureFile(file: string, content: string, mode: number): Promise<boolean> {
  if ((await readTextIfThere(file)) === content) return false
  await replaceFile(file, content, mode)
  return true
}

export async function readTextIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
