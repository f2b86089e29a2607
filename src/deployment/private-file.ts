/**
 * The cloud's own small files: whole or not there, their owner's alone (a group may read them that they were given to), and left alone when nothing has changed, so that
 * a start needs no space on the disk.
 */
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isDraft, replaceFileSync } from '../base/replace-file.ts'

/** Brings a file to this content in one step. */
export function writePrivate(file: string, text: string) {
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) replaceFileSync(file, text, 0o600)
  else if ((statSync(file).mode & 0o037) !== 0) chmodSync(file, 0o600)
}

/** Removes what writers that were killed have left in a folder. Call while no writer runs. */
export function removeDrafts(folder: string) {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder).filter(isDraft)) rmSync(join(folder, name), { force: true })
}
