/** `nephos backup`: everything of the control plane in one folder or archive, while the cloud runs or not. */
import {
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { run } from '../host/command.ts'
import { readOption } from '../platform/config/config.ts'
import { option } from '../platform/config/options.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { copyDatabases } from './backup-databases.ts'
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

/** Objects with their attributes, and databases of upstream's form, one for each container. */
const objectDevices = join('object-store', 'devices')

/** Of this machine, not of the control plane: a restored one meets the hosts as they are then. */
const ofHosts = ['instances', 'compute-agent', 'network-agent', 'hosts', 'run', 'log', objectDevices]
/** Made anew, or half made. */
const passing = [join('image', 'cache'), join('image', 'staging')]
const replacedFolder = /^replaced-/

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
  copyTree(stateDir, folder)
  await copyDatabases(own.map((type) => ({ from: databaseFileOf(stateDir, type), to: databaseFileOf(folder, type) })))
  copyTree(stateDir, folder)
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

/** Copies what is not there yet; image files, which never change, by a second name where both are on one disk. */
function copyTree(stateDir: string, folder: string, below = ''): void {
  for (const entry of readdirSync(join(stateDir, below), { withFileTypes: true })) {
    const path = join(below, entry.name)
    const isOut = ofHosts.includes(path) || passing.includes(path) || replacedFolder.test(path)
    if (isOut || /\.(db|db-wal|db-shm|part|new|partial)$/.test(entry.name)) continue
    if (entry.isDirectory()) {
      mkdirSync(join(folder, path), { recursive: true, mode: 0o700 })
      copyTree(stateDir, folder, path)
    } else if (entry.isFile() && !existsSync(join(folder, path))) {
      copyFile(join(stateDir, path), join(folder, path), below === imageFolder)
    }
  }
}

/** A file may go while we look at it. */
export function copyFile(from: string, to: string, mayLink: boolean): void {
  try {
    if (mayLink && statSync(from).dev === statSync(dirname(to)).dev) linkSync(from, to)
    else copyFileSync(from, to, constants.COPYFILE_FICLONE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
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
