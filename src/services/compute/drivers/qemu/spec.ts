import type { GuestDisk, GuestSpec } from '../../../../host/qemu-arguments.ts'
import type { DesiredServer } from '../../rpc/conductor.ts'
import type { GuestFolder } from './folder.ts'

/** What QEMU is to run. The server's name and metadata stay out of it. */
export function guestSpec(server: DesiredServer, folder: GuestFolder, virtType: 'tcg' | 'kvm'): GuestSpec {
  const root: GuestDisk = {
    nodeName: 'root',
    deviceId: 'disk-root',
    file: folder.disk,
    format: 'qcow2',
    bus: 'virtio',
    bootIndex: 1,
  }
  // q35 guests may have no driver for its AHCI, so the config drive is a virtio disk too.
  const config: GuestDisk = {
    nodeName: 'config',
    deviceId: 'disk-config',
    file: folder.config,
    format: 'raw',
    bus: 'virtio',
    isReadOnly: true,
  }
  return {
    uuid: server.id,
    machine: 'q35',
    virtType,
    cpuModel: virtType === 'kvm' ? 'host' : 'qemu64',
    vcpus: server.vcpus,
    memoryMb: server.memoryMb,
    disks: server.configDrive === null ? [root] : [root, config],
    cdroms: [],
    nics: server.ports.map(({ tap, mac, mtu }, index) => ({ id: `nic${index}`, tap, mac, mtu })),
    consoleLog: folder.console,
    serialSocket: folder.serial,
    vncSocket: folder.vnc,
    qmpSocket: folder.qmp,
    pidFile: folder.pid,
    smbios: { manufacturer: 'OpenStack Foundation', product: 'OpenStack Nova', family: 'Virtual Machine' },
  }
}
