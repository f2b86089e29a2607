/** QEMU's words for the hardware of guests: buses, controllers, cards, screens. What a machine has of it is `GuestExtras`. */
import { absolutePath, wholeNumber } from './safe-text.ts'

export type DiskBus = 'virtio' | 'scsi' | 'sata' | 'ide' | 'usb'
export type ScsiController = 'virtio-scsi-pci' | 'lsi53c895a' | 'mptsas1068' | 'megasas' | 'pvscsi'
export type NicModel = 'virtio-net-pci' | 'e1000' | 'e1000e' | 'rtl8139' | 'ne2k_pci' | 'pcnet' | 'vmxnet3'
export type Video = 'VGA' | 'cirrus-vga' | 'qxl-vga' | 'vmware-svga' | 'virtio-vga' | 'bochs-display'

/** Hardware that a guest has or has not; all of it may be left out. */
export type GuestExtras = {
  /** A certain version of the machine, such as `pc-q35-7.2`. */
  machineVersion?: string
  topology?: { sockets: number; cores: number; threads: number }
  hasHpet?: boolean
  /** UEFI: its code, and the guest's own memory of settings. */
  firmware?: { code: string; vars: string }
  hasBootMenu?: boolean
  isClockLocal?: boolean
  scsiController?: ScsiController
  /** Null for none; a plain VGA without. */
  video?: { model: Video; ramMb?: number } | null
  watchdog?: 'reset' | 'poweroff' | 'pause' | 'none'
  /** Serial ports besides the console, with nobody at their other end. */
  moreSerialPorts?: number
  input?: 'usb' | 'virtio'
  hasRng?: boolean
  rngRate?: { bytes: number; periodMs: number }
  isPackedRing?: boolean
}

type Json = Record<string, unknown>

export const device = (properties: Json): string[] => ['-device', JSON.stringify(properties)]

export const packed = ({ isPackedRing }: GuestExtras): Json => (isPackedRing ? { packed: true } : {})

/** Devices that QEMU can only put beside its chips: they need I/O space, which root ports have none of. */
export const isPlainPci = (model: NicModel | ScsiController): boolean =>
  !['virtio-net-pci', 'e1000e', 'vmxnet3', 'virtio-scsi-pci'].includes(model)

/** Controllers of disks besides those that the machine has itself. `take` gives a slot for a virtio device. */
export function controllerArguments(
  buses: ReadonlySet<DiskBus>,
  extras: GuestExtras & { machine: 'q35' | 'pc' },
  take: () => string | undefined,
): string[] {
  const { scsiController: scsi = 'virtio-scsi-pci', input, machine } = extras
  const isVirtio = scsi === 'virtio-scsi-pci'
  return [
    ...(buses.has('scsi')
      ? device({ driver: scsi, id: 'scsi0', ...(isVirtio && { bus: take(), ...packed(extras) }) })
      : []),
    ...(buses.has('sata') && machine === 'pc' ? device({ driver: 'ich9-ahci', id: 'ahci0' }) : []),
    ...(buses.has('usb') || input === 'usb' ? device({ driver: 'qemu-xhci', id: 'usb', p2: 8, p3: 8 }) : []),
  ]
}

/** What people see, hear of and touch. `take` as above. */
export function extraDeviceArguments(extras: GuestExtras, take: () => string | undefined): string[] {
  const { watchdog, input, moreSerialPorts = 0 } = extras
  return [
    ...videoArguments(extras),
    ...(watchdog ? [...device({ driver: 'i6300esb', id: 'watchdog' }), '-action', `watchdog=${watchdog}`] : []),
    ...(input === 'usb' ? device({ driver: 'usb-tablet', id: 'tablet', bus: 'usb.0' }) : []),
    ...(input === 'virtio'
      ? ['tablet', 'keyboard'].flatMap((what) => device({ driver: `virtio-${what}-pci`, id: what, bus: take() }))
      : []),
    ...rngArguments(extras),
    ...Array.from({ length: moreSerialPorts }, () => ['-serial', 'null']).flat(),
  ]
}

function videoArguments({ video = { model: 'VGA' } }: GuestExtras): string[] {
  if (video === null) return []
  const { model, ramMb } = video
  const size = ramMb === undefined ? undefined : wholeNumber('video memory', ramMb, 1, 512)
  return device({ driver: model, id: 'video', ...(size !== undefined && videoMemory(model, size)) })
}

/** In the unit that the model has: most count MiB, and only powers of two. */
function videoMemory(model: Video, mib: number): Json {
  if (model === 'virtio-vga') return { max_hostmem: mib * 1024 * 1024 }
  if (model === 'bochs-display') return { vgamem: mib * 1024 * 1024 }
  return { vgamem_mb: 2 ** Math.floor(Math.log2(mib)) }
}

function rngArguments({ hasRng = true, rngRate }: GuestExtras): string[] {
  if (!hasRng) return []
  const rate = rngRate && { 'max-bytes': rngRate.bytes, period: rngRate.periodMs }
  const source = { 'qom-type': 'rng-random', id: 'rng0', filename: '/dev/urandom' }
  return ['-object', JSON.stringify(source), ...device({ driver: 'virtio-rng-pci', id: 'rng', rng: 'rng0', ...rate })]
}

/** UEFI is two flash chips. */
export function firmwareArguments({ firmware }: GuestExtras): { argv: string[]; machine: string } {
  if (!firmware) return { argv: [], machine: '' }
  const node = (name: string, file: string, isReadOnly: boolean) => [
    '-blockdev',
    JSON.stringify({
      driver: 'raw',
      'node-name': name,
      'read-only': isReadOnly,
      file: { driver: 'file', filename: absolutePath('firmware', file), 'read-only': isReadOnly },
    }),
  ]
  return {
    argv: [...node('firmware', firmware.code, true), ...node('settings', firmware.vars, false)],
    machine: ',pflash0=firmware,pflash1=settings',
  }
}
