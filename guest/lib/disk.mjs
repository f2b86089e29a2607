import { open, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './run.mjs'

const mib = 1024 * 1024
const sector = 512
const boot = { start: 1 * mib, size: 18 * mib, type: 0x06 }
const root = { start: 19 * mib, size: 44 * mib, type: 0x83 }

/** Puts boot partition (FAT, syslinux) and root partition (ext4) into a compressed qcow2, without mounting anything. */
export async function buildDisk({ kernel, initrd, rootTree, work, out }) {
  const fat = await bootPartition({ kernel, initrd, work })
  const ext = await rootPartition(rootTree, work)
  const raw = join(work, 'disk')
  const disk = await open(raw, 'w')
  try {
    await disk.truncate(root.start + root.size)
    await disk.write(await masterBootRecord(), 0, sector, 0)
    await copyInto(disk, fat, boot.start)
    await copyInto(disk, ext, root.start)
  } finally {
    await disk.close()
  }
  // Written beside the target, then renamed: guests may be running from the image that is there now.
  const fresh = `${out}.${process.pid}.new`
  try {
    await run('qemu-img', ['convert', '-O', 'qcow2', '-c', raw, fresh])
    await rename(fresh, out)
  } finally {
    await rm(fresh, { force: true })
  }
}

async function bootPartition({ kernel, initrd, work }) {
  const file = join(work, 'fat')
  await empty(file, boot.size)
  await run('mkfs.fat', ['-F', '16', '-s', '8', '-h', String(boot.start / sector), file])
  const config = join(work, 'syslinux.cfg')
  // ttyS0 last: that is what /dev/console becomes. The rest spares the boot work that no throw-away guest needs.
  await writeFile(
    config,
    [
      'DEFAULT guest',
      'LABEL guest',
      '  KERNEL vmlinuz',
      '  INITRD initrd',
      '  APPEND console=tty0 console=ttyS0,115200 quiet net.ifnames=0 mitigations=off no_timer_check nokaslr ' +
        'cryptomgr.notests rcupdate.rcu_expedited=1 audit=0 apparmor=0 selinux=0 raid=noautodetect panic=10',
      '',
    ].join('\n'),
  )
  await run('mcopy', ['-i', file, kernel, '::/vmlinuz'])
  await run('mcopy', ['-i', file, initrd, '::/initrd'])
  await run('mcopy', ['-i', file, config, '::/syslinux.cfg'])
  await run('syslinux', ['--install', file])
  return file
}

async function rootPartition(tree, work) {
  const file = join(work, 'ext')
  await empty(file, root.size)
  // Online growth needs both: block group descriptors reserved up to 2 TiB (blocks of 4 KiB), where the partition table
  // ends, and a journal of 16 MiB, for a smaller one refuses growth as "too many credits".
  const extended = 'resize=536870912,root_owner=0:0'
  await run('mkfs.ext4', [
    '-q',
    '-b',
    '4096',
    '-L',
    'tinyroot',
    '-J',
    'size=16',
    '-m',
    '0',
    '-E',
    extended,
    '-d',
    tree,
    file,
  ])
  const commands = []
  for (const name of (await readdir(tree, { recursive: true })).toSorted()) {
    const id = name === 'home/cirros' || name.startsWith('home/cirros/') ? 1000 : 0
    for (const field of ['uid', 'gid']) commands.push(`set_inode_field /${name} ${field} ${id}`)
  }
  await run('debugfs', ['-w', '-f', '-', file], { input: `${commands.join('\n')}\n` })
  return file
}

async function masterBootRecord() {
  const record = Buffer.alloc(sector)
  const code = await open('/usr/lib/syslinux/mbr/mbr.bin')
  await code.read(record, 0, 440, 0).finally(() => code.close())
  // The initrd knows its disk by this.
  record.write('neph', 440, 'latin1')
  for (const [index, part] of [boot, root].entries()) {
    const entry = 446 + index * 16
    record[entry] = part === boot ? 0x80 : 0
    // Cylinders, heads and sectors mean nothing to anyone since long ago; this is "beyond what they can say".
    record.set([0xfe, 0xff, 0xff], entry + 1)
    record[entry + 4] = part.type
    record.set([0xfe, 0xff, 0xff], entry + 5)
    record.writeUInt32LE(part.start / sector, entry + 8)
    record.writeUInt32LE(part.size / sector, entry + 12)
  }
  record.writeUInt16LE(0xaa55, 510)
  return record
}

async function empty(file, size) {
  await writeFile(file, '')
  await truncate(file, size)
}

async function copyInto(disk, file, offset) {
  const source = await open(file)
  try {
    const block = Buffer.alloc(mib)
    for (let at = 0; ;) {
      const { bytesRead } = await source.read(block, 0, mib, at)
      if (bytesRead === 0) return
      await disk.write(block, 0, bytesRead, offset + at)
      at += bytesRead
    }
  } finally {
    await source.close()
  }
}
