/** Empty disks with a file system or swap space on them, as sparse raw files. Sizes are in bytes. */
import { open } from 'node:fs/promises'
import { run } from './command.ts'
import { absolutePath, matching, wholeNumber } from './safe-text.ts'

/** Makes the file anew; its format takes a few hundred KiB of real space. */
export async function makeExt4Disk(file: string, { size, label }: { size: number; label: string }): Promise<void> {
  await makeSparse(file, size)
  const name = matching('label', /^[A-Za-z0-9][A-Za-z0-9_.-]{0,15}$/, label)
  await run(['mkfs.ext4', '-q', '-F', '-L', name, '-E', 'lazy_itable_init=1', '--', file], { timeoutMs: 120_000 })
}

export async function makeSwapDisk(file: string, { size }: { size: number }): Promise<void> {
  await makeSparse(file, size)
  await run(['mkswap', '--', file], { timeoutMs: 30_000 })
}

async function makeSparse(file: string, size: number): Promise<void> {
  const handle = await open(absolutePath('disk', file), 'w', 0o600)
  try {
    await handle.truncate(wholeNumber('size', size, 1))
  } finally {
    await handle.close()
  }
}
