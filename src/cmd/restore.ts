/** `nephos restore`: puts a backup in the place of a control plane; what it replaces is moved aside, guests are left alone. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { run } from '../host/command.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { checkDatabase } from './backup-databases.ts'
import { copyFile, imageFolder, tarMs, type Manifest } from './backup.ts'
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
    putTree(folder, stateDir, aside)
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

/** Every file of the backup in its place. Image files that are there stay: an image's data never change. */
function putTree(from: string, to: string, aside: string, below = ''): void {
  for (const entry of readdirSync(join(from, below), { withFileTypes: true })) {
    const path = join(below, entry.name)
    if (entry.isDirectory()) {
      mkdirSync(join(to, path), { recursive: true, mode: 0o700 })
      putTree(from, to, aside, path)
      continue
    }
    if (!entry.isFile() || path === 'backup.json') continue
    const isImage = below === imageFolder
    if (isImage && existsSync(join(to, path))) continue
    // A journal belongs to the database that it was written for.
    for (const each of path.endsWith('.db') ? [path, `${path}-wal`, `${path}-shm`] : [path]) moveAside(to, each, aside)
    copyFile(join(from, path), join(to, path), isImage)
  }
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
    return folder
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}
