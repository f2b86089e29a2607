/** `nephos restore`: puts a backup in the place of a control plane; what it replaces is moved aside, guests are left alone. */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fchownSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { asUser } from '../host/as-user.ts'
import { run, type RunAs } from '../host/command.ts'
import { isErrno } from '../host/process.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { checkDatabase } from './backup-databases.ts'
import { imageFolder, partsOfControl, tarMs, type Manifest } from './backup.ts'
import { controlUserOf } from '../deployment/control-user.ts'
import { giveTree, shareReading } from '../deployment/handover.ts'
import { readStatus } from './status-file.ts'

/** `nephos restore FILE-OR-DIR`. */
export async function restore(args: Arguments): Promise<number> {
  const [source] = args.rest
  if (source === undefined || args.rest.length > 1) throw new UsageError('use: nephos restore BACKUP --state-dir DIR')
  if (!existsSync(source)) throw new Error(`there is no backup ${source}`)
  if (readStatus(args.stateDir)?.running)
    throw new Error(
      `the cloud in ${args.stateDir} runs: stop it first (Ctrl-C, or kill ${readStatus(args.stateDir)!.pid}); guests may go on running`,
    )
  const stateDir = resolve(args.stateDir)
  mkdirSync(dirname(stateDir), { recursive: true, mode: 0o711 })
  const unpacked = statSync(source).isDirectory() ? undefined : await unpack(resolve(source), stateDir)
  try {
    const folder = unpacked ?? resolve(source)
    const manifest = readManifest(folder)
    for (const file of manifest.databases) checkDatabase(join(folder, file))
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    const aside = join(stateDir, `replaced-${new Date().toISOString().replaceAll(':', '')}`)
    putAll({ from: folder, isUnpacked: unpacked !== undefined, to: stateDir, aside }, controlUserOf(stateDir))
    console.log(`The control plane of '${manifest.name}' is as it was at ${manifest.createdAt}.`)
    if (existsSync(aside)) console.log(`What was there before is in ${aside}.`)
    console.log(
      `Next: nephos up --state-dir ${args.stateDir}; then nephos status, nephos guests and nephos host say what the backup does not know.`,
    )
    return 0
  } finally {
    if (unpacked) rmSync(unpacked, { recursive: true, force: true })
  }
}

function readManifest(folder: string): Manifest {
  const file = join(folder, 'backup.json')
  if (!existsSync(file)) throw new Error(`${folder} is no backup: it has no backup.json`)
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest
  if (manifest.format !== 1) throw new Error(`${file} is of a newer version of nephos`)
  const missing = manifest.databases.filter((each) => !existsSync(join(folder, each)))
  if (missing.length > 0) throw new Error(`the backup is not whole: ${missing.join(', ')} is missing`)
  return manifest
}

interface Putting {
  from: string
  /** Whether `from` is to be thrown away. */
  isUnpacked: boolean
  to: string
  aside: string
  /** Whose files they are, where that is not us: what we make and move is what that user may, wherever links lead. */
  user?: RunAs | undefined
}

/** What the control plane writes is put in its place as its user, all else as root. */
function putAll(putting: Putting, user: RunAs | undefined): void {
  for (const part of readdirSync(putting.from)) {
    if (user && partsOfControl.includes(part)) {
      for (const parent of [putting.to, putting.aside]) makeFor(user, parent, part)
      if (putting.isUnpacked) giveTree(join(putting.from, part), user)
      put({ ...putting, user }, part)
    } else if (part !== 'backup.json') put(putting, part)
  }
  if (user) shareReading(putting.to, user)
  removeIfEmpty(putting.aside)
}

/** What nothing was moved to. */
function removeIfEmpty(aside: string): void {
  if (!existsSync(aside)) return
  for (const folder of [...readdirSync(aside).map((name) => join(aside, name)), aside])
    try {
      rmdirSync(folder)
    } catch (error) {
      if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'ENOTDIR')) throw error
    }
}

function makeFor({ uid, gid }: RunAs, parent: string, part: string): void {
  mkdirSync(parent, { recursive: true, mode: 0o711 })
  if (existsSync(join(parent, part))) return
  mkdirSync(join(parent, part), { mode: 0o700 })
  lchownSync(join(parent, part), uid, gid)
}

/** A file of the backup, or all below a folder. Image files that are there stay: an image's data never change. */
function put(putting: Putting, path: string): void {
  const { from, to, aside, user } = putting
  const entry = lstatSync(join(from, path))
  if (entry.isDirectory()) {
    asUser(user, () => mkdirSync(join(to, path), { recursive: true, mode: 0o700 }))
    for (const name of readdirSync(join(from, path))) put(putting, join(path, name))
    return
  }
  const isImage = dirname(path) === imageFolder
  if (!entry.isFile() || (isImage && asUser(user, () => existsSync(join(to, path))))) return
  // A journal belongs to the database that it was written for.
  for (const each of path.endsWith('.db') ? [path, `${path}-wal`, `${path}-shm`] : [path])
    asUser(user, () => moveAside(to, each, aside))
  putFile(putting, path, isImage)
}

function putFile({ from, isUnpacked, to, user }: Putting, path: string, isImage: boolean): void {
  const [source, target] = [join(from, path), join(to, path)]
  if (!user) copyFile(source, target, isImage)
  else if (isUnpacked) asUser(user, () => renameSync(source, target))
  else copyFor(user, source, target)
}

/** That user cannot read the backup, and we do not write where it may have put a link. */
function copyFor(user: RunAs, from: string, to: string): void {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, COPYFILE_FICLONE } = constants
  const handle = asUser(user, () => openSync(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600))
  try {
    copyFileSync(from, `/proc/self/fd/${handle}`, COPYFILE_FICLONE)
    // Copying takes over the owner too.
    fchownSync(handle, user.uid, user.gid)
    fchmodSync(handle, 0o600)
  } finally {
    closeSync(handle)
  }
}

/** Image files, which never change, by a second name where both are on one disk. */
function copyFile(from: string, to: string, mayLink: boolean): void {
  if (mayLink && statSync(from).dev === statSync(dirname(to)).dev) linkSync(from, to)
  else copyFileSync(from, to, constants.COPYFILE_FICLONE)
}

function moveAside(stateDir: string, path: string, aside: string): void {
  if (!existsSync(join(stateDir, path))) return
  mkdirSync(dirname(join(aside, path)), { recursive: true, mode: 0o700 })
  renameSync(join(stateDir, path), join(aside, path))
}

/** On the disk of the state directory, so that image files are not copied twice. */
async function unpack(file: string, stateDir: string): Promise<string> {
  const folder = mkdtempSync(`${stateDir}.restore-`)
  try {
    await run(['tar', '-xf', file, '-C', folder, '--no-same-owner'], { timeoutMs: tarMs })
    // The archive has the mode of its folder; the control plane's user has to pass.
    if (process.getuid?.() === 0) chmodSync(folder, 0o711)
    return folder
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}
