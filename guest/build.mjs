import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildDisk } from './lib/disk.mjs'
import { prepareKernel } from './lib/kernel.mjs'
import { installedVersions, missingPackages, newestDownloads, packages, unpack } from './lib/packages.mjs'
import { buildInitrd, buildRoot } from './lib/root.mjs'

export { packages }

const folder = fileURLToPath(new URL('.', import.meta.url))
const defaults = { out: join(folder, 'build/guest.qcow2'), cacheDir: join(folder, 'build/cache'), log: console.error }

/**
 * Builds the guest image and returns its path; returns at once when the one at `out` has the same recipe and packages.
 * Installs nothing: it names the Debian packages that are missing instead.
 */
export async function buildGuestImage({ out = defaults.out, cacheDir = defaults.cacheDir, log = defaults.log } = {}) {
  const missing = await missingPackages()
  if (missing.length > 0) {
    throw new Error(
      `the guest image needs Debian packages: apt-get install --no-install-recommends ${missing.join(' ')}`,
    )
  }
  const { kernel, downloads } = await newestDownloads()
  const key = await recipeKey([await installedVersions(), JSON.stringify(downloads)])
  const target = resolve(out)
  const keyFile = `${target}.key`
  if ((await readFile(keyFile, 'utf8').catch(absent)) === key && (await access(target).then(yes, absent))) return target

  await mkdir(dirname(target), { recursive: true })
  const trees = {}
  for (const download of downloads) trees[download.name] = await unpack(download, cacheDir, log)
  const work = await mkdtemp(join(tmpdir(), 'nephos-guest-'))
  try {
    log(`building the guest image with ${kernel}`)
    await prepareKernel(trees[kernel], work)
    const parts = {
      busybox: trees['busybox-static'],
      doas: trees.opendoas,
      scp: join(trees['openssh-client'], 'usr/bin/scp'),
      sftp: join(trees['openssh-sftp-server'], 'usr/lib/openssh/sftp-server'),
      stages: join(work, 'stages'),
      work,
    }
    const initrd = await buildInitrd(parts)
    const rootTree = await buildRoot(parts)
    await rm(keyFile, { force: true })
    await buildDisk({ kernel: join(work, 'vmlinuz'), initrd, rootTree, work, out: target })
    await writeFile(keyFile, key)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  log(`${target}: ${((await stat(target)).size / 1024 / 1024).toFixed(1)} MiB`)
  return target
}

async function recipeKey(versions) {
  const hash = createHash('sha256')
  for (const part of ['build.mjs', 'lib', 'root', 'initrd']) {
    const names = part.endsWith('.mjs') ? [part] : await filesBelow(part)
    for (const name of names)
      hash
        .update(name)
        .update('\0')
        .update(await readFile(join(folder, name)))
  }
  for (const version of versions) hash.update(version)
  return hash.digest('hex')
}

async function filesBelow(part) {
  const entries = await readdir(join(folder, part), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length))
    .toSorted()
}

const yes = () => true

function absent(error) {
  if (error.code !== 'ENOENT') throw error
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { out: { type: 'string' } } })
  console.log(await buildGuestImage(values))
}
