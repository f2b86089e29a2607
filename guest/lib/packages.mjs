import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { env, run, runText } from './run.mjs'

/** Debian packages a build needs installed, each with a file or command that shows it is there. */
const needs = {
  binutils: 'strip',
  cpio: 'cpio',
  'dropbear-bin': 'dropbear',
  dosfstools: 'mkfs.fat',
  e2fsprogs: 'mkfs.ext4',
  kmod: 'depmod',
  'libpam-modules': '/lib/x86_64-linux-gnu/security/pam_permit.so',
  mtools: 'mcopy',
  openssl: 'openssl',
  'qemu-utils': 'qemu-img',
  syslinux: 'syslinux',
  'syslinux-common': '/usr/lib/syslinux/mbr/mbr.bin',
}
export const packages = Object.keys(needs)

/** Packages that are only downloaded and unpacked, never installed; the kernel's name carries its version. */
const unpacked = ['busybox-static', 'opendoas', 'openssh-client', 'openssh-sftp-server']

export async function missingPackages() {
  const missing = []
  for (const [name, proof] of Object.entries(needs)) if (!(await isPresent(proof))) missing.push(name)
  return missing
}

async function isPresent(proof) {
  const places = proof.startsWith('/') ? [proof] : env.PATH.split(':').map((folder) => join(folder, proof))
  for (const place of places) {
    const found = await access(place).then(
      () => true,
      () => false,
    )
    if (found) return true
  }
  return false
}

/** The packages to unpack, as `{ name, version }` in the newest version apt knows; `kernel` is among them. */
export async function newestDownloads() {
  const depends = await runText('apt-cache', ['depends', 'linux-image-cloud-amd64']).catch((cause) => {
    throw new Error('apt does not know linux-image-cloud-amd64: the guest image needs Debian, after apt-get update', {
      cause,
    })
  })
  const kernel = /Depends: (linux-image-\S+-cloud-amd64)\s/.exec(depends)?.[1]
  if (kernel === undefined) throw new Error('linux-image-cloud-amd64 names no kernel package: run apt-get update')
  const shown = await runText('apt-cache', ['--no-all-versions', 'show', kernel, ...unpacked])
  const downloads = [...shown.matchAll(/^Package: (\S+)$(?:\n.+)*?\nVersion: (\S+)$/gm)].map(([, name, version]) => ({
    name,
    version,
  }))
  for (const name of [kernel, ...unpacked]) {
    if (!downloads.some((download) => download.name === name)) throw new Error(`apt has no ${name}: run apt-get update`)
  }
  return { kernel, downloads }
}

export async function installedVersions() {
  return runText('dpkg-query', ['-W', '-f', '${Package} ${Version}\n', ...packages])
}

/** Unpacks a package into `cacheDir` once and returns the folder. */
export async function unpack({ name, version }, cacheDir, log) {
  const folder = join(cacheDir, `${name}_${version.replaceAll(/[^\w.+~-]/g, '_')}`)
  if (await isPresent(folder)) return folder
  log(`downloading ${name} ${version}`)
  await mkdir(cacheDir, { recursive: true })
  const work = await mkdtemp(join(cacheDir, 'download-'))
  try {
    // As root apt would download as its own user, which may not write here.
    await run('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', `${name}=${version}`], { cwd: work })
    const [deb] = await readdir(work)
    await run('dpkg', ['-x', join(work, deb), join(work, 'tree')])
    await rename(join(work, 'tree'), folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return folder
}
