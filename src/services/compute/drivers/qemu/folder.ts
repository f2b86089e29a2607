import { join } from 'node:path'
import { uuid } from '../../../../host/safe-text.ts'

/** Everything of one guest is in one folder; names are short because a unix socket's path has at most 107 characters. */
export function guestFolder(stateDir: string, id: string) {
  const dir = join(stateDir, uuid('server id', id))
  return {
    dir,
    pid: join(dir, 'pid'),
    qmp: join(dir, 'qmp.sock'),
    vnc: join(dir, 'vnc.sock'),
    serial: join(dir, 'serial.sock'),
    console: join(dir, 'console.log'),
    disk: join(dir, 'disk.qcow2'),
    config: join(dir, 'config.iso'),
    /** Names of the taps that were made for this guest. */
    taps: join(dir, 'taps.json'),
  }
}
export type GuestFolder = ReturnType<typeof guestFolder>
