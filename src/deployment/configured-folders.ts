/** Folders of their own that the control plane's services are told to use by their configuration. */
import { chmodSync, existsSync, lchownSync, lstatSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { asUser } from '../host/as-user.ts'
import type { RunAs } from '../host/command.ts'
import { readIni } from '../platform/config/ini.ts'
import { configFilesOf } from './service-files.ts'
import { services } from './services.ts'

/**
 * Makes those that are not there, for the user, as it could itself while it was root. What is there has an owner who decides.
 * Root makes none where somebody else could lead it away.
 */
export function makeConfigured(stateDir: string, user: RunAs): void {
  for (const folder of configured(stateDir)) {
    if (existsSync(folder) || canMake(folder, user) || !isWayOfRoot(dirname(folder))) continue
    makeFor(user, folder)
  }
}

function makeFor({ uid, gid }: RunAs, folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    chmodSync(folder, 0o700)
    lchownSync(folder, uid, gid)
  } catch {
    // Who needs it says that it is not there.
  }
}

/** What is wrong in the files the service says. Of stores with priorities (`PATH:100`) the path counts. */
const configured = (stateDir: string): string[] =>
  services.flatMap(({ type, folderOptions = [] }) =>
    configFilesOf(stateDir, type)
      .filter((file) => existsSync(file))
      .flatMap((file) => readIni(readFileSync(file, 'utf8'), file).entries)
      .filter(({ name }) => folderOptions.includes(name))
      .flatMap(({ values }) => values)
      .map((value) => value.replace(/^file:\/\//, '').replace(/:\d*$/, ''))
      .filter((path) => path.startsWith('/')),
  )

function canMake(folder: string, user: RunAs): boolean {
  try {
    asUser(user, () => mkdirSync(folder, { recursive: true, mode: 0o700 }))
    return true
  } catch {
    return false
  }
}

/** Whether all that is there on the way to a folder is root's, so that nobody else can change where it leads. */
function isWayOfRoot(folder: string): boolean {
  if (!existsSync(folder)) return isWayOfRoot(dirname(folder))
  for (let each = realpathSync(folder); ; each = dirname(each)) {
    const { uid, mode } = lstatSync(each)
    // Where all may write, as in /tmp, each may remove only what is his.
    if (uid !== 0 || ((mode & 0o022) !== 0 && (mode & 0o1000) === 0)) return false
    if (each === '/') return true
  }
}
