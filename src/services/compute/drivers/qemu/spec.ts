import type { GuestCdrom, GuestDisk, GuestSpec } from '../../../../host/qemu-arguments.ts'
import type { ScsiController, Video } from '../../../../host/qemu-devices.ts'
import type { Hardware } from '../../model/hardware/hardware.ts'
import type { DesiredServer } from '../../rpc/conductor.ts'
import type { GuestFolder } from './folder.ts'
import { nicOf } from './nics.ts'

export interface Host {
  virtType: 'tcg' | 'kvm'
  /** Where UEFI's code is; undefined on a host without. */
  uefi?: string
}

/** Controllers, cards and screens by nova's names. */
const scsi = {
  'virtio-scsi': 'virtio-scsi-pci',
  lsilogic: 'lsi53c895a',
  lsisas1068: 'mptsas1068',
  lsisas1078: 'megasas',
  vmpvscsi: 'pvscsi',
} as const satisfies Record<Hardware['scsiModel'], ScsiController>
const videos = {
  vga: 'VGA',
  cirrus: 'cirrus-vga',
  qxl: 'qxl-vga',
  vmvga: 'vmware-svga',
  virtio: 'virtio-vga',
  bochs: 'bochs-display',
} as const satisfies Record<NonNullable<Hardware['video']>, Video>
/** Hyper-V's interfaces, without which Windows is slow. Source: nova/virt/libvirt/driver.py (_set_features). */
const hyperV = ['hv_relaxed=on', 'hv_vapic=on', 'hv_spinlocks=0x1fff', 'hv_time=on']

/** What QEMU is to run. The server's name and metadata stay out of it. */
export function guestSpec(server: DesiredServer, hardware: Hardware, folder: GuestFolder, host: Host): GuestSpec {
  const { virtType, uefi } = host
  const { machineVersion, topology, hasHpet, watchdog, inputBus, rngRate, video, videoRamMb } = hardware
  return {
    uuid: server.id,
    machine: hardware.machine,
    ...(machineVersion !== null && { machineVersion }),
    virtType,
    cpuModel: virtType === 'kvm' ? 'host' : 'qemu64',
    cpuFeatures: cpuFeatures(hardware, virtType),
    vcpus: server.vcpus,
    ...(topology && { topology }),
    memoryMb: server.memoryMb,
    ...drivesOf(server, hardware, folder),
    nics: server.ports.map((port) => nicOf(port, hardware, server.vcpus)),
    consoleLog: folder.console,
    serialSocket: folder.serial,
    vncSocket: folder.vnc,
    qmpSocket: folder.qmp,
    pidFile: folder.pid,
    smbios: { manufacturer: 'OpenStack Foundation', product: 'OpenStack Nova', family: 'Virtual Machine' },
    ...(hardware.hasGuestAgent && { agentSocket: folder.agent }),
    ...(hasHpet !== null && { hasHpet }),
    ...(hardware.firmware === 'uefi' && uefi !== undefined && { firmware: { code: uefi, vars: folder.nvram } }),
    hasBootMenu: hardware.hasBootMenu,
    isClockLocal: hardware.isWindows,
    scsiController: scsi[hardware.scsiModel],
    video: video && { model: videos[video], ...(videoRamMb !== null && { ramMb: videoRamMb }) },
    ...(watchdog && { watchdog }),
    moreSerialPorts: hardware.serialPorts - 1,
    ...(inputBus && { input: inputBus }),
    hasRng: hardware.hasRng,
    ...(rngRate && { rngRate }),
    isPackedRing: hardware.isPackedRing,
  }
}

function cpuFeatures({ hasPmu, isHypervisorHidden, isWindows }: Hardware, virtType: Host['virtType']): string[] {
  const isKvm = virtType === 'kvm'
  return [
    ...(hasPmu === null ? [] : [`pmu=${hasPmu ? 'on' : 'off'}`]),
    ...(isHypervisorHidden ? ['-hypervisor', ...(isKvm ? ['kvm=off'] : [])] : []),
    ...(isWindows && isKvm ? hyperV : []),
  ]
}

/** A medium to install from, not a disk. */
export const isMedium = ({ diskFormat }: NonNullable<DesiredServer['image']>): boolean => diskFormat === 'iso'

/** Nova's order: root, ephemeral, swap, and the config drive last. */
function drivesOf(server: DesiredServer, hardware: Hardware, folder: GuestFolder) {
  const { diskBus, cdromBus, diskLimits, machine } = hardware
  const disk = (name: string, file: string, more: Partial<GuestDisk> = {}): GuestDisk => ({
    nodeName: name,
    deviceId: `disk-${name}`,
    file,
    format: 'raw',
    bus: diskBus,
    ...(Object.keys(diskLimits).length > 0 && { limits: diskLimits }),
    ...more,
  })
  const hasMedium = server.image !== null && isMedium(server.image)
  const root = { format: 'qcow2', bootIndex: 1 } as const
  const mediumBus = cdromBus ?? (machine === 'pc' ? 'ide' : 'sata')
  const rootCdrom = hasMedium ? cdromOf(disk('root', folder.disk, { ...root, bus: mediumBus })) : undefined
  const config = disk('config', folder.config, { isReadOnly: true, bus: cdromBus ?? diskBus })
  // q35 guests may have no driver for its AHCI: without a word of the image the config drive is a virtio disk too.
  const configCdrom = server.configDrive?.format === 'iso9660' ? cdromOf(config) : undefined
  const hasConfigDisk = server.configDrive !== null && !configCdrom
  const disks = [
    ...(rootCdrom ? [] : [disk('root', folder.disk, { ...root, ...(hasMedium && { isReadOnly: true }) })]),
    ...(server.ephemeralGb > 0 ? [disk('ephemeral0', folder.ephemeral)] : []),
    ...(server.swapMb > 0 ? [disk('swap', folder.swap)] : []),
    ...(hasConfigDisk ? [config] : []),
  ]
  return { disks, cdroms: [rootCdrom, configCdrom].filter((each) => each !== undefined) }
}

/** As a CD-ROM, on a bus that can have one. */
function cdromOf({ nodeName, deviceId, file, format, bus, bootIndex }: GuestDisk): GuestCdrom | undefined {
  if (bus === 'virtio' || bus === 'usb') return undefined
  return { nodeName, deviceId, file, format, bus, ...(bootIndex !== undefined && { bootIndex }) }
}
