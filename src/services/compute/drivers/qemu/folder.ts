import { join } from 'node:path'
import { uuid } from '../../../../host/safe-text.ts'

/**
 * Everything of one guest is in one folder, which belongs to root: QEMU's user may write its disks and what lies in
 * `run`, but make or replace nothing else. Names are short because a unix socket's path has at most 107 characters.
 */
export function guestFolder(stateDir: string, id: string) {
  const dir = join(stateDir, uuid('server id', id))
  const run = join(dir, 'run')
  return {
    dir,
    run,
    pid: join(run, 'pid'),
    qmp: join(run, 'qmp.sock'),
    vnc: join(run, 'vnc.sock'),
    serial: join(run, 'serial.sock'),
    agent: join(run, 'qga.sock'),
    console: join(dir, 'console.log'),
    disk: join(dir, 'disk.qcow2'),
    ephemeral: join(dir, 'ephemeral0.raw'),
    swap: join(dir, 'swap.raw'),
    config: join(dir, 'config.iso'),
    /** What UEFI remembers of this guest. */
    nvram: join(dir, 'nvram.fd'),
    /** Digest of what config.iso was made from. */
    configDigest: join(dir, 'config.sha256'),
    /** Names of the taps that were made for this guest. */
    taps: join(dir, 'taps.json'),
  }
}
export type GuestFolder = ReturnType<typeof guestFolder>
