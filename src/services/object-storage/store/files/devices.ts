/** The devices of this machine: folders below one, each a disk or what stands for one. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { open, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A device is full, read-only or gone, or its file system cannot keep metadata. */
export class DeviceError extends Error {}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'has no room left',
  EDQUOT: 'has no room left for this user',
  EROFS: 'is read-only',
  EIO: 'cannot be read or written',
  ENOTSUP: 'keeps no extended attributes',
  EOPNOTSUPP: 'keeps no extended attributes',
}

/** An error of a file as DeviceError where the device is to blame. */
export function asDeviceError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  const reason = code === undefined ? undefined : reasons[code]
  return reason === undefined ? error : new DeviceError(`the device of ${path} ${reason}`, { cause: error })
}

export interface Devices {
  /** The folder of a device; undefined where there is none, or none is mounted. */
  folderOf(device: string): string | undefined
  /** The folders of all that there are. */
  all(): string[]
}

/** The devices below `root`; with `mustBeMounted` only those that are file systems of their own. */
export const devicesBelow = (root: string, mustBeMounted: boolean): Devices => ({
  all() {
    const names = existsSync(root) ? readdirSync(root) : []
    return names.flatMap((name) => this.folderOf(name) ?? [])
  },
  folderOf(device) {
    if (device === '' || device.includes('/') || device.startsWith('.')) return undefined
    const folder = join(root, device)
    const found = statSync(folder, { throwIfNoEntry: false })
    if (!found?.isDirectory()) return undefined
    return mustBeMounted && found.dev === statSync(root).dev ? undefined : folder
  },
})

/** What was done to the names in a folder is on the disk afterwards. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes a folder and those above it, each of which is on the disk afterwards. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}
