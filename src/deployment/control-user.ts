/** The user of the control plane where root starts the cloud: only agents need privileges. */
import { closeSync, existsSync, lchownSync, lstatSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { replaceFileSync } from '../base/replace-file.ts'
import { asUser } from '../host/as-user.ts'
import { confine, type RunAs } from '../host/command.ts'
import { findProgram } from '../host/packages.ts'
import { ensureSystemUser } from '../host/users.ts'
import { handOver, shareReading, takeBack } from './handover.ts'
import { ownsFolder, paths, type Settings } from './settings.ts'

const isRoot = () => process.getuid?.() === 0

/**
 * Brings what is the control plane's into the hands of its user and tells who that is; undefined: it is to run as this
 * process does, which for root is said with the reason. Throws where its folders are somebody else's.
 */
export async function prepareControlUser(
  stateDir: string,
  settings: Settings,
  remark: (text: string) => void,
): Promise<RunAs | undefined> {
  if (!isRoot()) return undefined
  if (!ownsFolder(stateDir)) {
    // Its owner could lead us anywhere: nothing in there changes hands.
    remark(
      `the control plane runs as root: ${stateDir} is another user's; start the cloud as that user, or give the folder to root`,
    )
    return undefined
  }
  const user = await usableUser(stateDir, settings, remark)
  if (user) handOver(stateDir, user, settings)
  else takeBack(stateDir, settings)
  return user
}

async function usableUser(stateDir: string, settings: Settings, remark: (text: string) => void) {
  if (settings.user === 'root') return undefined
  try {
    if ((await findProgram('setpriv')) === undefined) throw new Error('the program setpriv (util-linux) is missing')
    const { uid, gid } = await ensureSystemUser(settings.user)
    if (uid === 0) return undefined
    const obstacle = obstacleOf({ uid, gid }, stateDir)
    if (obstacle !== undefined) throw new Error(`user ${settings.user} ${obstacle}`)
    return { uid, gid }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    remark(`the control plane runs as root: ${reason}`)
    return undefined
  }
}

const program = fileURLToPath(new URL('../../', import.meta.url))

/** Why that user cannot run the program here, with the remedy. It is tried out: modes say less. */
function obstacleOf(user: RunAs, stateDir: string): string | undefined {
  const isFor = (work: () => void) => {
    try {
      asUser(user, work)
      return true
    } catch {
      return false
    }
  }
  const canPass = (folder: string) => isFor(() => statSync(`${folder}/.`))
  const canRead = (file: string) => isFor(() => closeSync(openSync(file, 'r')))
  const needed = [
    join(program, 'package.json'),
    join(program, 'src', 'cmd', 'control.ts'),
    join(program, 'node_modules', 'kysely', 'package.json'),
    process.execPath,
  ]
  for (const path of [stateDir, ...needed]) {
    const closed = firstOf(path === stateDir ? path : dirname(path), canPass)
    if (closed !== undefined)
      return `cannot pass ${closed} on the way to ${path}: open it to others (chmod o+x ${closed}), or have that elsewhere`
  }
  const file = needed.find((each) => !canRead(each))
  return file === undefined
    ? undefined
    : `cannot read ${file}: open the folder of Nephos to others (chmod -R o+rX ${program})`
}

/** The uppermost folder on the way to this one that cannot be passed. */
function firstOf(folder: string, canPass: (folder: string) => boolean): string | undefined {
  if (canPass(folder)) return undefined
  return firstOf(dirname(folder), canPass) ?? folder
}

/** Whose the control plane's folders are, where that is not root; undefined also where there is no cloud. */
export function controlUserOf(stateDir: string): RunAs | undefined {
  const found = lstatSync(paths(stateDir).control, { throwIfNoEntry: false })
  return !isRoot() || !found || found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid }
}

/** Writes what root tells and the control plane's user may read. */
export function writeForControl(stateDir: string, file: string, text: string): void {
  const user = controlUserOf(stateDir)
  replaceFileSync(file, text, user ? 0o640 : 0o600, user && { uid: 0, gid: user.gid })
}

/** Lets Node keep compiled code of that user, who cannot write where root's is. */
export function cacheOf(user: RunAs): Record<string, string> {
  const own = process.env['NODE_COMPILE_CACHE']
  if (own === undefined || own === '') return {}
  const folder = `${own}-of-${user.uid}`
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    if (lstatSync(folder).uid !== user.uid) lchownSync(folder, user.uid, user.gid)
    return { NODE_COMPILE_CACHE: folder }
  } catch {
    // A folder that cannot be written: what is not kept is compiled again.
    return {}
  }
}

/**
 * Goes on as the control plane's user, where this is root, by starting this program again in the same process: so nothing of
 * what a command makes is root's. `words` are the command line, in which the state directory has to be named: that user has
 * another one by default. Returns where there is no such user, or where it cannot run the program.
 */
export async function continueAsControl(
  stateDir: string,
  words: readonly string[] = [...process.argv.slice(2), '--state-dir', stateDir],
): Promise<void> {
  const user = controlUserOf(stateDir)
  if (!user || !existsSync(paths(stateDir).settings)) return
  shareReading(stateDir, user)
  const obstacle = obstacleOf(user, stateDir)
  const setpriv = await findProgram('setpriv')
  if (obstacle !== undefined || setpriv === undefined || !process.execve) {
    process.stderr.write(`nephos: this runs as root: user ${user.uid} ${obstacle ?? 'needs the program setpriv'}\n`)
    return
  }
  const argv = confine([process.execPath, ...process.execArgv, process.argv[1]!, ...words], { runAs: user })
  process.execve(setpriv, argv, { ...process.env, ...cacheOf(user) })
}
