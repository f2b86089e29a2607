import type { GuestDisk, GuestSpec } from '../../../../host/qemu-arguments.ts'
import type { DesiredServer } from '../../rpc/conductor.ts'
import type { GuestFolder } from './folder.ts'
import { nicOf } from './nics.ts'

/** What QEMU is to run. The server's name and metadata stay out of it. */
export function guestSpec(server: DesiredServer, folder: GuestFolder, virtType: 'tcg' | 'kvm'): GuestSpec {
  return {
    uuid: server.id,
    machine: 'q35',
    virtType,
    cpuModel: virtType === 'kvm' ? 'host' : 'qemu64',
    vcpus: server.vcpus,
    memoryMb: server.memoryMb,
    disks: disksOf(server, folder),
    cdroms: [],
    nics: server.ports.map(nicOf),
    consoleLog: folder.console,
    serialSocket: folder.serial,
    vncSocket: folder.vnc,
    qmpSocket: folder.qmp,
    pidFile: folder.pid,
    smbios: { manufacturer: 'OpenStack Foundation', product: 'OpenStack Nova', family: 'Virtual Machine' },
  }
}

/** Nova's order: root, ephemeral, swap, and the config drive last. */
function disksOf(server: DesiredServer, folder: GuestFolder): GuestDisk[] {
  const disk = (name: string, file: string, more: Partial<GuestDisk> = {}): GuestDisk => ({
    nodeName: name,
    deviceId: `disk-${name}`,
    file,
    format: 'raw',
    bus: 'virtio',
    ...more,
  })
  return [
    disk('root', folder.disk, { format: 'qcow2', bootIndex: 1 }),
    ...(server.ephemeralGb > 0 ? [disk('ephemeral0', folder.ephemeral)] : []),
    ...(server.swapMb > 0 ? [disk('swap', folder.swap)] : []),
    // q35 guests may have no driver for its AHCI, so the config drive is a virtio disk too.
    ...(server.configDrive === null ? [] : [disk('config', folder.config, { isReadOnly: true })]),
  ]
}
