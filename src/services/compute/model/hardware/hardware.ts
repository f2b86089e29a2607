/** What a guest is made of, besides what its flavor counts. */
export interface Hardware {
  /** `pc` where something asks for hardware that q35 has not. */
  machine: 'q35' | 'pc'
  /** A certain version of it, such as `pc-q35-7.2`. */
  machineVersion: string | null
  diskBus: 'virtio' | 'scsi' | 'sata' | 'ide' | 'usb'
  /** Null: as the disks, or virtio where those are. */
  cdromBus: Hardware['diskBus'] | null
  scsiModel: ScsiModel
  nicModel: NicModel
  video: VideoModel | null
  videoRamMb: number | null
  hasRng: boolean
  rngRate: { bytes: number; periodMs: number } | null
  hasGuestAgent: boolean
  watchdog: 'reset' | 'poweroff' | 'pause' | 'none' | null
  firmware: 'bios' | 'uefi'
  hasBootMenu: boolean
  serialPorts: number
  inputBus: 'usb' | 'virtio' | null
  topology: Topology | null
  hasHpet: boolean | null
  hasPmu: boolean | null
  isHypervisorHidden: boolean
  isMultiQueue: boolean
  isPackedRing: boolean
  isWindows: boolean
  /** What a disk may do at most, by QEMU's names of throttles. */
  diskLimits: Readonly<Record<string, number>>
}

export type ScsiModel = 'virtio-scsi' | 'lsilogic' | 'lsisas1068' | 'lsisas1078' | 'vmpvscsi'
export type NicModel = 'virtio' | 'e1000' | 'e1000e' | 'rtl8139' | 'ne2k_pci' | 'pcnet' | 'vmxnet3'
export type VideoModel = 'vga' | 'cirrus' | 'qxl' | 'vmvga' | 'virtio' | 'bochs'

export interface Topology {
  sockets: number
  cores: number
  threads: number
}

/** A value that upstream does not know either. */
export class InvalidProperty extends Error {}

/** A value that upstream knows and that cannot be had here. */
export class RefusedProperty extends Error {}
