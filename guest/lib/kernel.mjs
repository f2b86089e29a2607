import { copyFile, mkdir, readdir, cp } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { run, runText } from './run.mjs'

// Loaded in this order by `insmod`, which knows no dependencies: each stage gets what the one before it lacks.
// ext4 and the serial port are built in. There is no AHCI in Debian's cloud kernel.
const stages = {
  // In the initrd. virtio-rng early: without it the ssh host key waits a second for randomness.
  virtio: ['virtio_pci', 'virtio_blk', 'virtio-rng'],
  // In the initrd, when no virtio disk is there.
  scsi: ['virtio_scsi', 'sd_mod', 'ata_piix'],
  net: ['virtio_net'],
  rest: ['button', 'evdev', 'virtio_console', 'virtio_balloon', 'virtio_scsi', 'sd_mod', 'sr_mod', 'ata_piix'],
  drive: ['isofs', 'vfat', 'nls_cp437', 'nls_ascii', 'nls_iso8859-1'],
  // Not loaded by the boot; `modprobe` finds them.
  extra: ['8021q', 'virtio_mmio'],
}

/** Copies kernel and stripped modules out of an unpacked kernel package: `vmlinuz`, `lib/modules`, `stages/NAME/*.ko`. */
export async function prepareKernel(packageFolder, work) {
  const [version] = await readdir(join(packageFolder, 'lib/modules'))
  await copyFile(join(packageFolder, `boot/vmlinuz-${version}`), join(work, 'vmlinuz'))

  // depmod needs all of it, and a package's folder in the cache stays as it came.
  const all = join(work, 'all')
  const tree = join('lib/modules', version)
  await cp(join(packageFolder, tree), join(all, tree), { recursive: true })
  await run('depmod', ['-b', all, version])

  const loaded = new Set()
  for (const [stage, modules] of Object.entries(stages)) {
    const folder = join(work, 'stages', stage)
    await mkdir(folder, { recursive: true })
    let number = 10
    for (const module of modules) {
      const shown = await runText('modprobe', ['-d', all, '-S', version, '--show-depends', module])
      for (const [, file] of shown.matchAll(/^insmod (\S+)/gm)) {
        // What `scsi` loaded may not be there after a boot from a virtio disk, so `rest` brings its own.
        const key = stage === 'rest' || stage === 'drive' ? `late ${file}` : file
        if (loaded.has(key)) continue
        loaded.add(key)
        // The signature goes too: checking it costs more than loading does.
        await run('strip', ['--strip-debug', '-o', join(folder, `${number++}-${basename(file)}`), file])
      }
    }
  }
  return version
}
