import { chmod, copyFile, cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { run, runText } from './run.mjs'

const folder = new URL('..', import.meta.url).pathname

/** The initrd: BusyBox, the modules a disk needs, and the script that hands over to the root file system. */
export async function buildInitrd({ busybox, stages, work }) {
  const tree = join(work, 'initrd')
  for (const name of ['bin', 'dev', 'proc', 'sys', 'root', 'modules'])
    await mkdir(join(tree, name), { recursive: true })
  await copyFile(join(busybox, 'bin/busybox'), join(tree, 'bin/busybox'))
  for (const stage of ['virtio', 'scsi'])
    await cp(join(stages, stage), join(tree, 'modules', stage), { recursive: true })
  await copyFile(join(folder, 'initrd/init'), join(tree, 'init'))
  await chmod(join(tree, 'init'), 0o755)
  const names = (await readdir(tree, { recursive: true })).toSorted()
  const archive = await run('cpio', ['-o', '-H', 'newc', '-R', '0:0', '--quiet'], {
    cwd: tree,
    input: names.join('\n'),
  })
  const file = join(work, 'initrd.gz')
  await writeFile(file, gzipSync(archive, { level: 9 }))
  return file
}

/** The root file system's tree; owners are set in the file system, so that a build needs no root. */
export async function buildRoot({ busybox, doas, scp, sftp, stages, work }) {
  const tree = join(work, 'root')
  await cp(join(folder, 'root'), tree, { recursive: true })
  for (const name of [
    'bin dev etc/dropbear home/cirros/.ssh lib/modules lib/security lib64 mnt proc root/.ssh run sbin sys tmp',
    'usr/bin usr/lib usr/sbin usr/share/udhcpc var/lib var/log',
  ].flatMap((names) => names.split(' ')))
    await mkdir(join(tree, name), { recursive: true })

  await copyFile(join(busybox, 'bin/busybox'), join(tree, 'bin/busybox'))
  // BusyBox drops the right again in every applet but ping, su and their like.
  await chmod(join(tree, 'bin/busybox'), 0o4755)
  for (const applet of (await runText(join(busybox, 'bin/busybox'), ['--list'])).split('\n'))
    if (applet !== '' && applet !== 'busybox') await symlink('/bin/busybox', join(tree, appletFolder(applet), applet))

  const binaries = [await which('dropbear'), await which('dropbearkey'), await which('resize2fs')]
  for (const binary of binaries) await copyFile(binary, join(tree, 'usr/sbin', basename(binary)))
  await copyFile(join(doas, 'usr/bin/doas'), join(tree, 'usr/bin/doas'))
  await chmod(join(tree, 'usr/bin/doas'), 0o4755)
  await symlink('doas', join(tree, 'usr/bin/sudo'))
  await copyFile(scp, join(tree, 'usr/bin/scp'))
  // Where dropbear looks for it.
  await copyFile(sftp, join(tree, 'usr/lib/sftp-server'))
  const permit = '/lib/x86_64-linux-gnu/security/pam_permit.so'
  await mkdir(join(tree, dirname(permit)), { recursive: true })
  await copyFile(permit, join(tree, permit))
  for (const library of await libraries([...binaries, join(doas, 'usr/bin/doas'), scp, sftp, permit])) {
    await mkdir(join(tree, dirname(library)), { recursive: true })
    await copyFile(library, join(tree, library))
  }
  for (const stage of await readdir(stages))
    if (stage !== 'virtio') await cp(join(stages, stage), join(tree, 'lib/modules', stage), { recursive: true })

  // cirros's famous password; root has none until the metadata brings one.
  const hash = (await runText('openssl', ['passwd', '-6', '-salt', 'nephos', 'gocubsgo'])).trim()
  await writeFile(join(tree, 'etc/shadow'), `root:*:19000::::::\nsshd:*:19000::::::\ncirros:${hash}:19000::::::\n`)
  await symlink('/run/issue', join(tree, 'etc/issue'))
  await symlink('/run/resolv.conf', join(tree, 'etc/resolv.conf'))
  await symlink('/proc/mounts', join(tree, 'etc/mtab'))
  await symlink('/run', join(tree, 'var/run'))
  await chmod(join(tree, 'etc/shadow'), 0o600)
  await chmod(join(tree, 'tmp'), 0o1777)
  for (const name of ['root', 'root/.ssh', 'home/cirros/.ssh', 'etc/dropbear']) await chmod(join(tree, name), 0o700)
  for (const name of ['root/.ssh', 'home/cirros/.ssh']) await writeFile(join(tree, name, 'authorized_keys'), '')
  for (const name of ['rc', 'dhcp', 'udhcpc', 'hotplug', 'late-metadata', 'acpi/PWRF/00000080'])
    await chmod(join(tree, 'etc', name), 0o755)
  await chmod(join(tree, 'usr/lib/guest/shell'), 0o755)
  return tree
}

const sbin = new Set(
  'init getty ip ifconfig route insmod rmmod lsmod modprobe reboot poweroff halt acpid uevent udhcpc blockdev mkswap swapon swapoff switch_root losetup sysctl'.split(
    ' ',
  ),
)
const appletFolder = (applet) => (sbin.has(applet) ? 'sbin' : 'bin')

async function which(command) {
  return (await runText('which', [command])).trim()
}

async function libraries(binaries) {
  const found = new Set()
  for (const binary of binaries) {
    const listed = await runText('ldd', [binary])
    if (listed.includes('not found')) throw new Error(`${binary} lacks a library: ${listed}`)
    for (const [, library] of listed.matchAll(/(\/\S+) \(0x/g)) found.add(library)
  }
  return found
}
