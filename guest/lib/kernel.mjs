import { copyFile, cp, mkdir, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { run, runText } from './run.mjs'

// Loaded by `insmod`, which knows no dependencies: every stage brings what its modules need, in order, and `virtio` is
// the only one all others may count on. ext4 and the serial port are built in; Debian's cloud kernel has no AHCI.
const stages = {
  // In the initrd. virtio-rng early: without it the ssh host key waits a second for randomness.
  virtio: ['virtio_pci', 'virtio_blk', 'virtio-rng'],
  // In the initrd when there is no virtio disk, and in the root when there is such hardware or the boot is over.
  scsi: ['virtio_scsi', 'sd_mod', 'sr_mod', 'ata_piix'],
  net: ['virtio_net'],
  power: ['button', 'evdev'],
  drive: ['isofs', 'vfat', 'nls_cp437', 'nls_ascii', 'nls_iso8859-1'],
  late: ['virtio_console', 'virtio_balloon'],
  // For users: the boot loads none of these.
  extra: ['8021q', 'virtio_mmio'],
}

/** Copies kernel and stripped modules out of an unpacked kernel package: `vmlinuz` and `stages/NAME/*.ko`. */
export async function prepareKernel(packageFolder, work) {
  const [version] = await readdir(join(packageFolder, 'lib/modules'))
  await copyFile(join(packageFolder, `boot/vmlinuz-${version}`), join(work, 'vmlinuz'))

  // depmod needs all of it, and a package's folder in the cache stays as it came.
  const all = join(work, 'all')
  const tree = join('lib/modules', version)
  await cp(join(packageFolder, tree), join(all, tree), { recursive: true })
  await run('depmod', ['-b', all, version])

  let early = []
  for (const [stage, modules] of Object.entries(stages)) {
    const folder = join(work, 'stages', stage)
    await mkdir(folder, { recursive: true })
    const here = new Set(stage === 'virtio' ? [] : early)
    let number = 10
    for (const module of modules) {
      const shown = await runText('modprobe', ['-d', all, '-S', version, '--show-depends', module])
      for (const [, file] of shown.matchAll(/^insmod (\S+)/gm)) {
        if (here.has(file)) continue
        here.add(file)
        // The signature goes too: checking it costs more than loading does.
        await run('strip', ['--strip-debug', '-o', join(folder, `${number++}-${basename(file)}`), file])
      }
    }
    if (stage === 'virtio') early = [...here]
  }
  return version
}
