/**
 * The description of a guest and QEMU's argument vector for it. Disks, devices and network back ends are passed as JSON,
 * so that no value can become an option; what QEMU 7.2 takes only as `key=value` text is checked or escaped here.
 * Memory is in MiB. A value that cannot be passed safely is an `UnsafeText`.
 */
import { canonicalMac } from '../base/ip.ts'
import {
  controllerArguments,
  device,
  extraDeviceArguments,
  firmwareArguments,
  isPlainPci,
  packed,
  type DiskBus,
  type GuestExtras,
  type NicModel,
} from './qemu-devices.ts'
import { absolutePath, interfaceName, matching, oneLine, uuid, wholeNumber } from './safe-text.ts'

export type DiskFormat = 'raw' | 'qcow2'
export type GuestDisk = {
  /** Name of the block node, for QMP; the file below it is `NODENAME-file`. */
  nodeName: string
  /** Name of the device, for QMP. */
  deviceId: string
  file: string
  format: DiskFormat
  bus: DiskBus
  bootIndex?: number
  serial?: string
  isReadOnly?: boolean
  /** Opens a qcow2 file without its backing file, whatever its header names. */
  isBackingless?: boolean
  /** What it may do at most, by QEMU's names: `iops-total`, `bps-read`. */
  limits?: Readonly<Record<string, number>>
}
export type GuestCdrom = Pick<GuestDisk, 'nodeName' | 'deviceId' | 'file' | 'bootIndex'> & {
  bus: 'scsi' | 'sata' | 'ide'
  format?: DiskFormat
}
export type GuestNic = {
  id: string
  tap: string
  mac: string
  mtu?: number
  bootIndex?: number
  model?: NicModel
  /** More than one only where the tap was made for it. */
  queues?: number
  isPackedRing?: boolean
}

export type GuestSpec = GuestExtras & {
  /** The only name that QEMU gets: users' names stay out of it. */
  uuid: string
  machine: 'q35' | 'pc'
  virtType: 'tcg' | 'kvm'
  /** `qemu64`, `host`, `max`, ... */
  cpuModel: string
  /** `+vmx`, `-avx2`, `pcid=on` */
  cpuFeatures?: readonly string[]
  vcpus: number
  memoryMb: number
  disks: readonly GuestDisk[]
  cdroms: readonly GuestCdrom[]
  nics: readonly GuestNic[]
  /** Everything that the serial console prints, appended. */
  consoleLog: string
  serialSocket: string
  vncSocket: string
  qmpSocket: string
  pidFile: string
  /** Adds a channel for the guest agent, with this socket. */
  agentSocket?: string
  /** Boots this kernel instead of a disk. */
  kernel?: { image: string; initrd?: string; commandLine?: string }
  smbios?: { manufacturer?: string; product?: string; version?: string; family?: string }
  isSandboxed?: boolean
  /** Starts with stopped processors, until QMP `cont`. */
  isPaused?: boolean
  /** Waits for a migration on this address, such as `unix:/path` or `defer`. */
  incoming?: string
  /** Free ports for devices that are added later; q35 only, as pc needs none. */
  hotPlugPorts?: number
}

/** TCG's translation cache: smaller makes it flush, larger only costs memory (measured, MiB). */
const tcgCacheMb = 64
const defaultHotPlugPorts = 8
/** Root ports fill functions 0 to 7 of these slots, away from the ones that QEMU picks by itself. */
export const rootPortPrefix = 'rp'
const firstRootPortSlot = 0x10
const lastRootPortSlot = 0x1d
/** `spawn=deny` also denies QEMU's own `-daemonize`, and `elevateprivileges=deny` its `-runas`: see `startGuest`. */
const sandbox = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'
/** What a guest can read of a virtio or IDE disk's serial number. */
const serialLength = 20

/** Everything after the program's name. */
export function guestArguments(spec: GuestSpec): string[] {
  const ports = new RootPorts(spec.machine)
  const { memoryMb, vcpus, kernel, isSandboxed = true } = spec
  const firmware = firmwareArguments(spec)
  const take = () => ports.take()
  const id = uuid('guest uuid', spec.uuid)
  wholeNumber('memory', memoryMb, 1)
  wholeNumber('vcpus', vcpus, 1, 1024)

  const devices = [
    ...spec.nics.flatMap((nic) => nicArguments(nic, ports)),
    ...diskArguments(spec, ports),
    ...extraDeviceArguments(spec, take),
    ...agentArguments(spec.agentSocket),
  ]
  const spare = spec.machine === 'q35' ? (spec.hotPlugPorts ?? defaultHotPlugPorts) : 0
  for (let count = 0; count < spare; count++) ports.take()

  return [
    '-name',
    `guest=${id},process=guest-${id.slice(0, 8)}`,
    '-uuid',
    id,
    '-nodefaults',
    '-no-user-config',
    '-pidfile',
    absolutePath('pid file', spec.pidFile),
    ...(isSandboxed ? ['-sandbox', sandbox] : []),
    ...(spec.isPaused ? ['-S'] : []),
    // Shared memory costs nothing and is what vhost-user devices need: without it they accept requests and hang.
    '-object',
    json({ 'qom-type': 'memory-backend-memfd', id: 'ram', size: memoryMb * 1024 * 1024, share: true }),
    '-machine',
    `${machine(spec)},memory-backend=ram${firmware.machine}`,
    ...firmware.argv,
    '-m',
    String(memoryMb),
    '-smp',
    [vcpus, ...Object.entries(spec.topology ?? {}).map(([part, number]) => `${part}=${number}`)].join(','),
    '-accel',
    spec.virtType === 'kvm' ? 'kvm' : `tcg,tb-size=${tcgCacheMb}`,
    '-cpu',
    cpu(spec),
    ...smbiosArguments(spec),
    ...(spec.hasBootMenu ? ['-boot', 'menu=on'] : []),
    ...(spec.isClockLocal ? ['-rtc', 'base=localtime'] : []),
    ...(kernel ? kernelArguments(kernel) : []),
    ...socketChardev('qmp', spec.qmpSocket),
    '-mon',
    'chardev=qmp,mode=control',
    ...socketChardev(
      'serial',
      spec.serialSocket,
      `,logfile=${absolutePath('console log', spec.consoleLog)},logappend=on`,
    ),
    '-serial',
    'chardev:serial',
    '-display',
    'none',
    '-vnc',
    `unix:${absolutePath('vnc socket', spec.vncSocket)}`,
    ...ports.rootPortArguments(),
    ...devices,
    ...(spec.incoming === undefined ? [] : ['-incoming', oneLine('incoming', spec.incoming)]),
  ]
}

/** The block node of a disk, as `-blockdev` and QMP's `blockdev-add` take it. */
export function blockNode(disk: Omit<GuestDisk, 'bus' | 'deviceId'>): Record<string, unknown> {
  const { nodeName, limits } = disk
  if (!limits) return formatNode(disk, nodeName)
  return {
    driver: 'throttle',
    'node-name': nodeId(nodeName),
    ...accessOf(disk),
    'throttle-group': nodeId(`${nodeName}-limits`),
    file: formatNode(disk, `${nodeName}-format`),
  }
}

const accessOf = ({ isReadOnly = false }: Pick<GuestDisk, 'isReadOnly'>) => ({
  'read-only': isReadOnly,
  discard: isReadOnly ? 'ignore' : 'unmap',
})

function formatNode(disk: Omit<GuestDisk, 'bus' | 'deviceId'>, name: string): Record<string, unknown> {
  const { nodeName, file, format, isBackingless = false } = disk
  if (format !== 'raw' && format !== 'qcow2') throw new TypeError(`${String(format)} is no disk format`)
  const common = accessOf(disk)
  return {
    driver: format,
    'node-name': nodeId(name),
    ...common,
    ...(format === 'qcow2' && isBackingless ? { backing: null } : {}),
    file: { driver: 'file', 'node-name': nodeId(`${nodeName}-file`), filename: absoluteFile(file), ...common },
  }
}

/** The device of a disk, as `-device` and QMP's `device_add` take it. `bus` is a free root port for virtio on q35. */
export function diskDevice(disk: GuestDisk, bus?: string): Record<string, unknown> {
  const drivers = {
    virtio: 'virtio-blk-pci',
    scsi: 'scsi-hd',
    sata: 'ide-hd',
    ide: 'ide-hd',
    usb: 'usb-storage',
  } as const
  const { deviceId, nodeName, bootIndex, serial } = disk
  return {
    driver: drivers[disk.bus],
    id: nodeId(deviceId),
    drive: nodeId(nodeName),
    ...(bus === undefined ? {} : { bus }),
    ...(bootIndex === undefined ? {} : { bootindex: wholeNumber('boot index', bootIndex, 0) }),
    ...(serial === undefined ? {} : { serial: oneLine('serial', serial).slice(0, serialLength) }),
  }
}

/** The network back end of a NIC, as `-netdev` and QMP's `netdev_add` take it. */
export function nicBackend({ id, tap, queues = 1 }: GuestNic): Record<string, unknown> {
  return {
    type: 'tap',
    id: `${nodeId(id)}-net`,
    ifname: interfaceName(tap),
    script: 'no',
    downscript: 'no',
    vhost: false,
    ...(queues > 1 && { queues }),
  }
}

/** The device of a NIC, as `-device` and QMP's `device_add` take it. */
export function nicDevice(nic: GuestNic, bus?: string): Record<string, unknown> {
  const { id, mac, mtu, bootIndex, model = 'virtio-net-pci', queues = 1 } = nic
  const isVirtio = model === 'virtio-net-pci'
  return {
    driver: matching('NIC model', /^(virtio-net-pci|e1000e?|rtl8139|ne2k_pci|pcnet|vmxnet3)$/, model),
    id: nodeId(id),
    netdev: `${nodeId(id)}-net`,
    mac: canonicalMac(mac),
    romfile: '', // no network boot ROM: it costs half a second of every boot
    ...(bus === undefined ? {} : { bus }),
    ...(mtu !== undefined && isVirtio ? { host_mtu: wholeNumber('mtu', mtu, 68, 65_535) } : {}),
    // One interrupt for each direction of each queue, for changes, and for control.
    ...(queues > 1 && isVirtio ? { mq: true, vectors: 2 * queues + 2 } : {}),
    ...(isVirtio ? packed(nic) : {}),
    ...(bootIndex === undefined ? {} : { bootindex: wholeNumber('boot index', bootIndex, 0) }),
  }
}

/** Ports are handed out in order, so the same description always gives the same addresses. */
class RootPorts {
  readonly #machine: GuestSpec['machine']
  #count = 0

  constructor(machineType: GuestSpec['machine']) {
    this.#machine = machineType
  }

  /** The bus for the next device; undefined where devices go to the root bus and can be unplugged from there. */
  take(): string | undefined {
    if (this.#machine !== 'q35') return undefined
    wholeNumber('number of PCI devices', this.#count + 1, 1, (lastRootPortSlot - firstRootPortSlot + 1) * 8)
    return `${rootPortPrefix}${this.#count++}`
  }

  rootPortArguments(): string[] {
    return Array.from({ length: this.#count }, (_, index) => {
      const slot = firstRootPortSlot + Math.floor(index / 8)
      return device({
        driver: 'pcie-root-port',
        id: `${rootPortPrefix}${index}`,
        bus: 'pcie.0',
        addr: `0x${slot.toString(16)}.${index % 8}`,
        ...(index % 8 === 0 ? { multifunction: true } : {}),
        chassis: index + 1,
        'io-reserve': 0, // only 15 ports could have I/O space; virtio devices need none
      })
    }).flat()
  }
}

function nicArguments(nic: GuestNic, ports: RootPorts): string[] {
  const isPlain = isPlainPci(nic.model ?? 'virtio-net-pci')
  return ['-netdev', json(nicBackend(nic)), ...device(nicDevice(nic, isPlain ? undefined : ports.take()))]
}

function diskArguments(spec: GuestSpec, ports: RootPorts): string[] {
  const { disks, cdroms, machine: machineType } = spec
  let units = 0
  const nextUnit = (bus: 'ide' | 'sata') => {
    const index = units++
    const isAhci = machineType === 'q35' || bus === 'sata'
    wholeNumber(`number of ${bus} devices`, units, 1, isAhci ? 6 : 4)
    if (!isAhci) return { bus: `ide.${index >> 1}`, unit: index & 1 }
    return { bus: `${machineType === 'q35' ? 'ide' : 'ahci0'}.${index}` }
  }
  const place = (bus: DiskBus) => {
    if (bus === 'virtio') return { bus: ports.take(), ...packed(spec) }
    if (bus === 'usb') return { bus: 'usb.0' }
    return bus === 'scsi' ? { bus: 'scsi0.0' } : nextUnit(bus)
  }
  const buses = new Set([...disks, ...cdroms].map(({ bus }) => bus))
  return [
    ...controllerArguments(buses, spec, () => ports.take()),
    ...disks.flatMap((disk) => [
      ...limitArguments(disk),
      '-blockdev',
      json(blockNode(disk)),
      ...device({ ...diskDevice(disk), ...place(disk.bus) }),
    ]),
    ...cdroms.flatMap((cdrom) => [
      '-blockdev',
      json(blockNode({ ...cdrom, format: cdrom.format ?? 'raw', isReadOnly: true })),
      ...device({
        driver: cdrom.bus === 'scsi' ? 'scsi-cd' : 'ide-cd',
        id: nodeId(cdrom.deviceId),
        drive: nodeId(cdrom.nodeName),
        bootindex: cdrom.bootIndex === undefined ? undefined : wholeNumber('boot index', cdrom.bootIndex, 0),
        ...place(cdrom.bus),
      }),
    ]),
  ]
}

/** QEMU's limits of a disk are an object of their own, which its node names. */
function limitArguments({ nodeName, limits }: GuestDisk): string[] {
  if (!limits) return []
  const known = /^(bps|iops)-(total|read|write)$/
  for (const [name, value] of Object.entries(limits)) {
    wholeNumber(matching('limit of a disk', known, name), value, 1)
  }
  return ['-object', json({ 'qom-type': 'throttle-group', id: nodeId(`${nodeName}-limits`), limits })]
}

function agentArguments(socket: string | undefined): string[] {
  if (socket === undefined) return []
  return [
    ...socketChardev('agent', socket),
    ...device({ driver: 'virtio-serial-pci', id: 'channels' }),
    ...device({ driver: 'virtserialport', bus: 'channels.0', chardev: 'agent', name: 'org.qemu.guest_agent.0' }),
  ]
}

function smbiosArguments({ smbios, uuid: id }: GuestSpec): string[] {
  if (!smbios) return []
  const { manufacturer, product, version, family } = smbios
  const fields = Object.entries({ manufacturer, product, version, family, serial: id, uuid: id })
  const words = fields.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${optionValue(value)}`]))
  return ['-smbios', ['type=1', ...words].join(',')]
}

function kernelArguments({ image, initrd, commandLine }: NonNullable<GuestSpec['kernel']>): string[] {
  return [
    '-kernel',
    absoluteFile(image),
    ...(initrd === undefined ? [] : ['-initrd', absolutePath('initrd', initrd)]), // QEMU splits this one at commas
    ...(commandLine === undefined ? [] : ['-append', oneLine('kernel command line', commandLine)]),
  ]
}

function cpu({ cpuModel, cpuFeatures = [] }: GuestSpec): string {
  const model = matching('CPU model', /^[A-Za-z0-9][A-Za-z0-9_.-]{0,60}$/, cpuModel)
  const features = cpuFeatures.map((each) =>
    matching('CPU feature', /^([+-][a-z0-9_.-]{1,40}|[a-z0-9_.-]{1,40}=[A-Za-z0-9_.-]{1,40})$/, each),
  )
  return [model, ...features].join(',')
}

function machine({ machine: family, machineVersion, hasHpet }: GuestSpec): string {
  const type = matching('machine type', /^(pc|q35|pc-(i440fx|q35)-\d{1,2}\.\d{1,2})$/, machineVersion ?? family)
  return hasHpet === undefined ? type : `${type},hpet=${hasHpet ? 'on' : 'off'}`
}

function socketChardev(id: string, path: string, more = ''): string[] {
  return ['-chardev', `socket,id=${id},path=${absolutePath(`${id} socket`, path)},server=on,wait=off${more}`]
}

/** A value among `key=value` options: QEMU reads two commas as one that belongs to the value. */
function optionValue(text: string): string {
  return oneLine('option value', text).replaceAll(',', ',,')
}

function nodeId(text: string): string {
  return matching('QEMU id', /^[A-Za-z][A-Za-z0-9_.-]{0,60}$/, text)
}

/** For places where any file name can be passed as it is. */
function absoluteFile(text: string): string {
  return matching('file', /^\/[^\0]*$/s, text)
}

function json(value: Record<string, unknown>): string {
  return JSON.stringify(value)
}
