/** Images of small file systems (config drives): made as a whole beside their place and renamed into it, readable by the owner only. */
import { chmod, chown, mkdir, mkdtemp, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run } from './command.ts'
import type { RunAs } from './command.ts'
import { UnsafeText, absolutePath, matching } from './safe-text.ts'

export type VolumeOptions = {
  format: 'iso9660' | 'vfat'
  /** Volume label; guests look for `config-2`. */
  label: string
  /** Content by relative path, such as `openstack/latest/meta_data.json`. */
  files: ReadonlyMap<string, string | Uint8Array>
  /** Who may read the image instead of us. */
  owner?: Pick<RunAs, 'uid' | 'gid'>
  timeoutMs?: number
}

type Maker = (work: { tree: string; image: string; label: string; timeoutMs: number }) => Promise<void>
const makers: Readonly<Record<VolumeOptions['format'], Maker>> = { iso9660: makeIso, vfat: makeVfat }
/** As large as nova makes it, whatever is on it. */
const vfatBytes = 64 * 1024 ** 2

export async function buildVolume(
  target: string,
  { format, label, files, owner, timeoutMs = 30_000 }: VolumeOptions,
): Promise<void> {
  absolutePath('image', target)
  matching(
    'volume label',
    format === 'vfat' ? /^[A-Za-z0-9][A-Za-z0-9_-]{0,10}$/ : /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/,
    label,
  )
  for (const path of files.keys()) checkRelativePath(path)

  const work = await mkdtemp(join(dirname(target), '.volume-'))
  try {
    const tree = join(work, 'tree')
    const image = join(work, 'image')
    await mkdir(tree, { mode: 0o700 })
    for (const [path, content] of files) {
      await mkdir(dirname(join(tree, path)), { recursive: true, mode: 0o700 })
      await writeFile(join(tree, path), content, { mode: 0o600, flag: 'wx' })
    }
    await makers[format]({ tree, image, label, timeoutMs })
    await chmod(image, 0o600)
    if (owner) await chown(image, owner.uid, owner.gid)
    await rename(image, target)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function makeIso({ tree, image, label, timeoutMs }: Parameters<Maker>[0]): Promise<void> {
  const names = ['-ldots', '-allow-lowercase', '-allow-multidot', '-l', '-J', '-r']
  await run(['genisoimage', '-quiet', '-o', image, ...names, '-V', label, '--', tree], { timeoutMs })
}

async function makeVfat({ tree, image, label, timeoutMs }: Parameters<Maker>[0]): Promise<void> {
  const handle = await open(image, 'wx', 0o600)
  try {
    await handle.truncate(vfatBytes)
  } finally {
    await handle.close()
  }
  await run(['mkfs.vfat', '-n', label, image], { timeoutMs })
  const folders = (await readdir(tree)).map((name) => join(tree, name))
  if (folders.length > 0) await run(['mcopy', '-i', image, '-s', '-Q', ...folders, '::'], { timeoutMs })
}

function checkRelativePath(path: string): void {
  const parts = path.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..' || !/^[A-Za-z0-9_.-]+$/.test(part))) {
    throw new UnsafeText('path in an image', path)
  }
}
