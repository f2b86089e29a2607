/** `nephos backup`: everything of the control plane in one folder or archive, while the cloud runs or not. */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  type Stats,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { asUser } from '../host/as-user.ts'
import { run, type RunAs } from '../host/command.ts'
import { isErrno } from '../host/process.ts'
import { readOption } from '../platform/config/config.ts'
import { option } from '../platform/config/options.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { copyDatabases } from './backup-databases.ts'
import { controlUserOf } from '../deployment/control-user.ts'
import { writePrivate } from '../deployment/private-file.ts'
import { codeNameOf, configFilesOf, databaseFileOf, serviceTypes } from '../deployment/service-files.ts'
import { readSettings } from '../deployment/settings.ts'

/** What a backup says of itself, in `backup.json`. */
export interface Manifest {
  format: 1
  name: string
  createdAt: string
  /** Relative paths of the databases, which are all of one moment. */
  databases: string[]
  notIncluded: string[]
}

/** What is root's where root started the cloud; all else of the control plane is its user's. */
const prepared = ['settings.json', 'secrets', 'etc']
/** Hosts are not among them: a restored control plane meets those that are there then. */
export const partsOfControl = ['control', ...serviceTypes]
/** Objects with their attributes, and databases of upstream's form, one for each container. */
const objectDevices = join('object-store', 'devices')
/** Made anew, or half made; objects, which are copied by other means. */
const left = [join('image', 'cache'), join('image', 'staging'), objectDevices]

/** Images may be large. */
export const tarMs = 3600_000

export const imageFolder = join('image', 'images')

/** `nephos backup FILE-OR-DIR`. */
export async function backup(args: Arguments): Promise<number> {
  const [target] = args.rest
  if (target === undefined || args.rest.length > 1)
    throw new UsageError('use: nephos backup DIRECTORY, or FILE.tar, FILE.tar.gz')
  const settings = readSettings(args.stateDir)
  if (!settings) throw new Error(`there is no cloud in ${args.stateDir}`)
  if (existsSync(target)) throw new Error(`${target} exists already: name a new one`)
  if (!existsSync(dirname(resolve(target)))) throw new Error(`the folder of ${target} does not exist`)
  const isArchive = /\.(tar|tar\.gz|tgz)$/.test(target)
  const folder = `${resolve(target)}.partial`
  rmSync(folder, { recursive: true, force: true })
  try {
    const manifest = await fill(args.stateDir, folder, settings.name)
    if (isArchive) await pack(folder, resolve(target))
    else renameSync(folder, target)
    console.log(
      `The control plane of '${settings.name}' is in ${target} (${manifest.databases.length} databases of one moment).`,
    )
    for (const each of manifest.notIncluded) console.log(`Not included: ${each}`)
    return 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function fill(stateDir: string, folder: string, name: string): Promise<Manifest> {
  const elsewhere = serviceTypes.filter((type) => connectionOf(stateDir, type) !== '')
  const own = serviceTypes.filter((type) => !elsewhere.includes(type) && existsSync(databaseFileOf(stateDir, type)))
  mkdirSync(folder, { mode: 0o700 })
  // Files before and after the databases: what these name was there at one of both times.
  const user = controlUserOf(stateDir)
  const copyAll = () => {
    for (const part of prepared) copyPart({ stateDir, folder }, part)
    for (const part of partsOfControl) copyPart({ stateDir, folder, user }, part)
  }
  copyAll()
  const databases = own.map((type) => ({ from: databaseFileOf(stateDir, type), to: databaseFileOf(folder, type) }))
  await copyDatabases(databases, user)
  copyAll()
  const manifest: Manifest = {
    format: 1,
    name,
    createdAt: new Date().toISOString(),
    databases: own.map((type) => databaseFileOf('', type).replace(/^\//, '')),
    notIncluded: [
      "guests' disks (instances), which are on their hosts",
      ...elsewhere.map((type) => `the database of ${type}: its configuration names another one`),
      ...(readOption(codeNameOf('image'), imagesElsewhere, configFilesOf(stateDir, 'image')) === ''
        ? []
        : ['image files: their folder is configured']),
      ...(existsSync(join(stateDir, objectDevices)) ? [`objects, which are in ${objectDevices}`] : []),
    ],
  }
  writePrivate(join(folder, 'backup.json'), JSON.stringify(manifest, null, 2))
  return manifest
}

const imagesElsewhere = option.string('glance_store', 'filesystem_store_datadir', '', 'Folder of image files.')

function connectionOf(stateDir: string, type: string): string {
  const section = type === 'placement' ? 'placement_database' : 'database'
  const connection = option.string(section, 'connection', '', 'URL of the database.')
  return readOption(codeNameOf(type), connection, configFilesOf(stateDir, type))
}

interface Copying {
  stateDir: string
  folder: string
  /** Whose files they are, where that is not us: what we read is what that user may, wherever links lead. */
  user?: RunAs | undefined
}

/** Copies what is not there yet; image files, which never change, by a second name where both are on one disk. */
function copyPart(copying: Copying, path: string): void {
  const { stateDir, folder, user } = copying
  if (left.includes(path) || /\.(db|db-wal|db-shm|part|new|partial)$/.test(path)) return
  const [from, to] = [join(stateDir, path), join(folder, path)]
  const handle = asUser(user, () => openIfThere(from))
  if (handle === undefined) return
  try {
    const found = fstatSync(handle)
    if (found.isDirectory()) {
      mkdirSync(to, { recursive: true, mode: 0o700 })
      for (const name of asUser(user, () => readdirSync(`/proc/self/fd/${handle}`))) copyPart(copying, join(path, name))
    } else if (found.isFile() && !existsSync(to)) {
      if (dirname(path) !== imageFolder || !linkTo(from, to, found))
        copyFileSync(`/proc/self/fd/${handle}`, to, copyOnWrite)
    }
  } finally {
    closeSync(handle)
  }
}

const copyOnWrite = constants.COPYFILE_FICLONE

/** A file may go while we look, and what is no file or folder is not of ours. */
function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ELOOP') || isErrno(error, 'ENXIO')) return undefined
    throw error
  }
}

/** Whether `to` is now another name of that very file. */
function linkTo(from: string, to: string, { dev, ino }: Stats): boolean {
  if (dev !== statSync(dirname(to)).dev) return false
  try {
    linkSync(from, to)
  } catch {
    return false
  }
  if (lstatSync(to).ino === ino) return true
  rmSync(to)
  return false
}

async function pack(folder: string, file: string): Promise<void> {
  const part = `${file}.new`
  try {
    await run(['tar', file.endsWith('.tar') ? '-cf' : '-czf', part, '-C', folder, '.'], { timeoutMs: tarMs })
    renameSync(part, file)
  } finally {
    rmSync(part, { force: true })
  }
}
