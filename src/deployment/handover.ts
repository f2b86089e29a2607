/**
 * Whose the files of a cloud are that root started. What the control plane writes is its user's; what it only reads (settings,
 * secrets, configuration) stays root's and is open to its group, so that it cannot tell root what to do; what belongs to
 * agents is root's alone. Nothing here follows a link that another user could have made.
 */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import type { RunAs } from '../host/command.ts'
import { makeConfigured } from './configured-folders.ts'
import { serviceTypes } from './service-files.ts'
import { ownsFolder, paths, SettingsError, type Settings } from './settings.ts'

/** Folders that the control plane writes in. */
function foldersOfControl(stateDir: string, { fake }: Pick<Settings, 'fake'>): string[] {
  const { control, runOfControl, logOfControl, service } = paths(stateDir)
  return [control, runOfControl, logOfControl, ...serviceTypes.map(service), ...(fake ? [join(stateDir, 'hosts')] : [])]
}

/** Gives the control plane's user what is its own, and lets it read what it needs. Throws SettingsError. */
export function handOver(stateDir: string, user: RunAs, settings: Settings): void {
  shareReading(stateDir, user)
  moveFirstUse(stateDir)
  for (const folder of foldersOfControl(stateDir, settings)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    give(realpathSync(folder), user, settings.user)
  }
  makeConfigured(stateDir, user)
}

/** Makes the folders root's, who keeps others out; what is in them is given again when it is handed over again. */
export function takeBack(stateDir: string, settings: Settings): void {
  for (const folder of foldersOfControl(stateDir, settings).filter((each) => existsSync(each)))
    if (statSync(folder).uid !== 0) lchownSync(realpathSync(folder), 0, 0)
}

/** What root has made until now. A folder is given last: until then nobody else can change what is in it. */
function give(folder: string, user: RunAs, name: string): void {
  const { uid } = lstatSync(folder)
  if (uid === user.uid) return
  if (uid !== 0)
    throw new SettingsError(
      `${folder} belongs to user ${uid} and not to ${name}: give it with chown -R ${name}: ${folder}, or name its owner with --user`,
    )
  chmodSync(folder, 0o700)
  giveTree(folder, user)
}

/** Everything below a folder that nobody but root can enter, and then the folder. */
export function giveTree(path: string, user: RunAs): void {
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) giveTree(join(path, name), user)
  lchownSync(path, user.uid, user.gid)
}

/** Of earlier releases, and of their backups. */
function moveFirstUse(stateDir: string): void {
  const { control, firstUse } = paths(stateDir)
  const earlier = join(stateDir, 'first-use.json')
  if (!existsSync(earlier)) return
  const { uid, gid } = lstatSync(control)
  lchownSync(earlier, uid, gid)
  renameSync(earlier, firstUse)
}

/** Opens settings, secrets and configuration of root's to the user's group for reading; nothing in a folder of somebody else. */
export function shareReading(stateDir: string, { gid }: RunAs): void {
  if (!ownsFolder(stateDir)) return
  const { settings, secrets, etc } = paths(stateDir)
  for (const path of [settings, secrets, etc]) share(path, gid)
}

/** A link is left alone: what it leads to has an owner who decides. */
function share(path: string, gid: number): void {
  const handle = openIfOwn(path)
  if (handle === undefined) return
  try {
    const found = fstatSync(handle)
    const bits = found.isDirectory() ? 0o5 : 0o4
    const canRead = (found.mode & bits) === bits || (found.gid === gid && (found.mode & (bits << 3)) === bits << 3)
    if (found.uid !== 0 || !(found.isFile() || found.isDirectory())) return
    if (!canRead) {
      fchownSync(handle, 0, gid)
      fchmodSync(handle, (found.mode & 0o707) | (bits << 3))
    }
    if (found.isDirectory()) for (const name of readdirSync(path)) share(join(path, name), gid)
  } finally {
    closeSync(handle)
  }
}

function openIfOwn(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
}
