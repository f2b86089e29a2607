/** From the texts of an image and a flavor to the hardware of a guest. */
import { InvalidProperty, RefusedProperty, type Hardware } from './hardware.ts'
import { hardwareTable } from './table.ts'
import { chooseTopology } from './topology.ts'

type Texts = Readonly<Record<string, string>>

const plain: Hardware = {
  machine: 'q35',
  machineVersion: null,
  diskBus: 'virtio',
  cdromBus: null,
  scsiModel: 'virtio-scsi',
  nicModel: 'virtio',
  video: 'vga',
  videoRamMb: null,
  hasRng: true,
  rngRate: null,
  hasGuestAgent: false,
  watchdog: null,
  firmware: 'bios',
  hasBootMenu: false,
  serialPorts: 1,
  inputBus: null,
  topology: null,
  hasHpet: null,
  hasPmu: null,
  isHypervisorHidden: false,
  isMultiQueue: false,
  isPackedRing: false,
  isWindows: false,
  diskLimits: {},
}

/** Names that images had before, to those of now. Source: nova/objects/image_meta.py. */
const formerNames: Texts = {
  architecture: 'hw_architecture',
  vm_mode: 'hw_vm_mode',
  hypervisor_type: 'img_hv_type',
  vmware_disktype: 'hw_disk_type',
}

/** Throws InvalidProperty or RefusedProperty with a sentence that names the property, its value and the reason. */
export function readHardware(properties: Texts, extraSpecs: Texts, vcpus: number): Hardware {
  const image = withFormerNames(properties)
  let hardware = plain
  for (const { property, spec, read } of hardwareTable) {
    const fromImage = property === '' ? undefined : image[property]
    const fromFlavor = spec === undefined ? undefined : extraSpecs[spec]
    const changes =
      fromImage !== undefined ? read(fromImage, property) : fromFlavor === undefined ? {} : read(fromFlavor, spec!)
    hardware = { ...hardware, ...changes, diskLimits: { ...hardware.diskLimits, ...changes.diskLimits } }
  }
  checkVideoRam(hardware, extraSpecs)
  checkSerialPorts(hardware, extraSpecs)
  return {
    ...hardware,
    machine: chooseMachine(hardware, image),
    rngRate: rateOf(extraSpecs),
    topology: chooseTopology(image, extraSpecs, vcpus),
  }
}

/** For who makes a server: only whether the values are ones that can be meant. */
export function checkProperties(properties: Texts): void {
  const image = withFormerNames(properties)
  for (const { property, read } of hardwareTable) {
    const value = property === '' ? undefined : image[property]
    if (value === undefined) continue
    try {
      read(value, property)
    } catch (error) {
      if (!(error instanceof RefusedProperty)) throw error
    }
  }
}

function withFormerNames(properties: Texts): Texts {
  const former = Object.entries(formerNames).flatMap(([old, now]) =>
    properties[old] === undefined ? [] : [[now, properties[old]] as const],
  )
  return { ...Object.fromEntries(former), ...adapterOf(properties), ...properties }
}

/** VMware's word for the controller of an image that came from there. */
function adapterOf({ vmware_adaptertype: adapter }: Texts): Texts {
  if (adapter === undefined) return {}
  return adapter === 'ide' ? { hw_disk_bus: 'ide' } : { hw_disk_bus: 'scsi', hw_scsi_model: adapter }
}

const ofPlainPci = ['e1000', 'rtl8139', 'ne2k_pci', 'pcnet']

/** Old hardware is of an old machine, unless the image says which it wants. */
function chooseMachine({ machine, diskBus, cdromBus, nicModel }: Hardware, image: Texts): Hardware['machine'] {
  const isSaid = image['hw_machine_type'] !== undefined
  const isIde = diskBus === 'ide' || cdromBus === 'ide'
  if (isSaid && machine === 'q35' && isIde) {
    const name = diskBus === 'ide' ? 'hw_disk_bus' : 'hw_cdrom_bus'
    throw new RefusedProperty(`${name}=ide cannot be had: a machine of type q35 has no IDE; use sata`)
  }
  return !isSaid && (isIde || ofPlainPci.includes(nicModel)) ? 'pc' : machine
}

function checkVideoRam({ videoRamMb }: Hardware, extraSpecs: Texts): void {
  const most = Number(extraSpecs['hw_video:ram_max_mb'] ?? 0)
  if (videoRamMb === null || videoRamMb <= most) return
  throw new InvalidProperty(`hw_video_ram=${videoRamMb} is more than the flavor allows, which is ${most} MiB`)
}

function checkSerialPorts({ serialPorts }: Hardware, { 'hw:serial_port_count': most }: Texts): void {
  if (most !== undefined && serialPorts > Number(most)) {
    throw new InvalidProperty(`hw_serial_port_count=${serialPorts} is more than the flavor allows, which is ${most}`)
  }
}

function rateOf(extraSpecs: Texts): Hardware['rngRate'] {
  const bytes = Number(extraSpecs['hw_rng:rate_bytes'] ?? 0)
  return bytes > 0 ? { bytes, periodMs: Number(extraSpecs['hw_rng:rate_period'] ?? 0) || 1000 } : null
}
