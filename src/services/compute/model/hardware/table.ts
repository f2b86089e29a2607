/**
 * Image properties and flavor extra specs that say what hardware a guest has. What is not here has no meaning.
 * WHEN ADDING A ROW: docs/operating/compute.md has the same table, a test holds it to this one.
 * Source: nova/objects/image_meta.py, nova/objects/fields.py, nova/api/validation/extra_specs, nova/virt/libvirt.
 */
import { choice, count, flag, neverOn, noted, refused, words, type Row } from './kinds.ts'

const otherHypervisor = 'another hypervisor has it'
const notPinned = 'processors and memory of the host are not set apart'
const oldBus = { fdc: 'there are no floppy disks', xen: otherHypervisor, lxc: otherHypervisor, uml: otherHypervisor }
const topology = 'the processors as the guest sees them; their product must be that of the flavor'

const disks: readonly Row[] = [
  choice({
    property: 'hw_disk_bus',
    effect: 'bus of all disks; ide is on a machine `pc`, sata on AHCI, usb on xHCI',
    choices: {
      virtio: { diskBus: 'virtio' },
      scsi: { diskBus: 'scsi' },
      sata: { diskBus: 'sata' },
      ide: { diskBus: 'ide' },
      usb: { diskBus: 'usb' },
    },
    refused: oldBus,
  }),
  choice({
    property: 'hw_cdrom_bus',
    effect: 'bus of the config drive and of images of the format iso; without it that of the disks',
    choices: {
      virtio: { cdromBus: 'virtio' },
      scsi: { cdromBus: 'scsi' },
      sata: { cdromBus: 'sata' },
      ide: { cdromBus: 'ide' },
      usb: { cdromBus: 'usb' },
    },
    refused: oldBus,
  }),
  choice({
    property: 'hw_scsi_model',
    effect: 'controller of disks on scsi',
    choices: {
      'virtio-scsi': { scsiModel: 'virtio-scsi' },
      lsilogic: { scsiModel: 'lsilogic' },
      lsisas1068: { scsiModel: 'lsisas1068' },
      lsilogicsas: { scsiModel: 'lsisas1068' },
      lsisas1078: { scsiModel: 'lsisas1078' },
      vmpvscsi: { scsiModel: 'vmpvscsi' },
      paravirtual: { scsiModel: 'vmpvscsi' },
    },
    refused: { buslogic: 'QEMU has no such controller', ibmvscsi: 'it is of another architecture' },
  }),
  ...['read_bytes', 'write_bytes', 'total_bytes', 'read_iops', 'write_iops', 'total_iops'].map((name) => {
    const [what, unit] = name.split('_') as [string, 'bytes' | 'iops']
    return count({
      property: '',
      spec: `quota:disk_${name}_sec`,
      effect: 'most that each disk may do in a second',
      change: (value) =>
        value === 0 ? {} : { diskLimits: { [`${unit === 'bytes' ? 'bps' : 'iops'}-${what}`]: value } },
    })
  }),
  noted({ property: 'hw_disk_type', effect: 'of another hypervisor' }),
  noted({ property: 'hw_floppy_bus', effect: 'there are no floppy disks' }),
  noted({ property: 'hw_rescue_bus', effect: 'read when a server is rescued' }),
  noted({ property: 'hw_rescue_device', effect: 'read when a server is rescued' }),
  noted({ property: 'os_require_quiesce', effect: 'read when a snapshot is taken' }),
  neverOn({ property: 'hw_ephemeral_encryption', spec: 'hw:ephemeral_encryption', why: 'disks are not encrypted' }),
]

const cards: readonly Row[] = [
  choice({
    property: 'hw_vif_model',
    effect: 'model of the network cards; those of plain PCI are on a machine `pc`',
    choices: {
      virtio: { nicModel: 'virtio' },
      e1000: { nicModel: 'e1000' },
      virtuale1000: { nicModel: 'e1000' },
      e1000e: { nicModel: 'e1000e' },
      virtuale1000e: { nicModel: 'e1000e' },
      rtl8139: { nicModel: 'rtl8139' },
      ne2k_pci: { nicModel: 'ne2k_pci' },
      pcnet: { nicModel: 'pcnet' },
      virtualpcnet32: { nicModel: 'pcnet' },
      vmxnet3: { nicModel: 'vmxnet3' },
      virtualvmxnet3: { nicModel: 'vmxnet3' },
    },
    refused: {
      netfront: otherHypervisor,
      'spapr-vlan': 'it is of another architecture',
      lan9118: 'it is of another architecture',
      sriov: 'cards of the host are not given to guests',
      virtualsriovethernetcard: 'cards of the host are not given to guests',
      vmxnet: otherHypervisor,
      virtualvmxnet: otherHypervisor,
      igb: 'QEMU has it since 8.0 only',
    },
  }),
  flag({
    property: 'hw_vif_multiqueue_enabled',
    spec: 'hw:vif_multiqueue_enabled',
    effect: 'a queue of each virtio card for every processor, 8 at most',
    change: (isMultiQueue) => ({ isMultiQueue }),
  }),
  flag({
    property: 'hw_virtio_packed_ring',
    spec: 'hw:virtio_packed_ring',
    effect: 'packed rings of virtio devices',
    change: (isPackedRing) => ({ isPackedRing }),
  }),
  ...['vif_inbound_average', 'vif_inbound_burst', 'vif_inbound_peak', 'vif_outbound_average', 'vif_outbound_burst']
    .concat('vif_outbound_peak')
    .map((name) => refused({ property: '', spec: `quota:${name}`, why: "rates of cards are neutron's affair" })),
]

const machine: readonly Row[] = [
  {
    property: 'hw_machine_type',
    values: 'pc, q35, pc-i440fx-N.N, pc-q35-N.N',
    effect: 'as long as the host’s QEMU has it; q35 without it, pc where other properties need it',
    read(value, name) {
      const [, plain] = /^(pc|q35)$/.exec(value) ?? []
      if (plain) return { machine: plain as 'pc' | 'q35' }
      const [, family] = /^pc-(i440fx|q35)-\d+\.\d+$/.exec(value) ?? []
      if (family) return { machine: family === 'q35' ? 'q35' : 'pc', machineVersion: value }
      return refused({ property: '', why: 'hosts have pc, q35 and their versions' }).read(value, name)
    },
  },
  choice({
    property: 'hw_firmware_type',
    effect: 'uefi only on hosts with OVMF (Debian package ovmf)',
    choices: { bios: { firmware: 'bios' }, uefi: { firmware: 'uefi' } },
  }),
  words({
    property: 'os_secure_boot',
    spec: 'os:secure_boot',
    effect: 'boots without',
    accepted: 'disabled optional',
    refused: { required: 'the firmware does not check what it boots' },
  }),
  neverOn({ property: 'hw_firmware_stateless', why: 'the firmware has a memory' }),
  flag({
    property: 'hw_boot_menu',
    spec: 'hw:boot_menu',
    effect: 'the firmware asks what to boot',
    change: (hasBootMenu) => ({ hasBootMenu }),
  }),
  flag({ property: 'hw_time_hpet', effect: 'a high precision event timer', change: (hasHpet) => ({ hasHpet }) }),
  choice({
    property: 'os_type',
    effect: 'windows: the clock is local, and with KVM Hyper-V’s interfaces are there',
    choices: { linux: {}, windows: { isWindows: true } },
  }),
  words({
    property: 'hw_architecture',
    effect: 'nothing is to be done',
    accepted: 'x86_64 i686',
    refused: Object.fromEntries(
      'aarch64 armv7 ppc64 ppc64le s390x riscv64 mips64'.split(' ').map((name) => [name, 'hosts are x86_64']),
    ),
  }),
  words({
    property: 'hw_vm_mode',
    effect: 'nothing is to be done',
    accepted: 'hvm',
    refused: { xen: otherHypervisor, uml: otherHypervisor, exe: otherHypervisor },
  }),
  words({
    property: 'img_hv_type',
    effect: 'nothing is to be done',
    accepted: 'qemu kvm',
    refused: Object.fromEntries(
      'baremetal bhyve docker fake hyperv ironic lxc lxd openvz parallels phyp uml vbox vmware vz xen zvm'
        .split(' ')
        .map((name) => [name, 'hosts have QEMU']),
    ),
  }),
  refused({ property: 'kernel_id', why: 'guests boot from their disk' }),
  refused({ property: 'ramdisk_id', why: 'guests boot from their disk' }),
  refused({ property: 'hw_emulation_architecture', why: 'hosts are x86_64' }),
]

const processors: readonly Row[] = [
  count({ property: 'hw_cpu_sockets', spec: 'hw:cpu_sockets', min: 1, effect: topology, change: () => ({}) }),
  count({ property: 'hw_cpu_cores', spec: 'hw:cpu_cores', min: 1, effect: topology, change: () => ({}) }),
  count({ property: 'hw_cpu_threads', spec: 'hw:cpu_threads', min: 1, effect: topology, change: () => ({}) }),
  count({ property: 'hw_cpu_max_sockets', spec: 'hw:cpu_max_sockets', min: 1, effect: topology, change: () => ({}) }),
  count({ property: 'hw_cpu_max_cores', spec: 'hw:cpu_max_cores', min: 1, effect: topology, change: () => ({}) }),
  count({ property: 'hw_cpu_max_threads', spec: 'hw:cpu_max_threads', min: 1, effect: topology, change: () => ({}) }),
  words({
    property: 'hw_cpu_policy',
    spec: 'hw:cpu_policy',
    effect: 'nothing is to be done',
    accepted: 'shared',
    refused: { dedicated: notPinned, mixed: notPinned },
  }),
  words({
    property: 'hw_cpu_thread_policy',
    spec: 'hw:cpu_thread_policy',
    effect: 'nothing is to be done',
    accepted: 'prefer',
    refused: { isolate: notPinned, require: notPinned },
  }),
  neverOn({ property: '', spec: 'hw:cpu_realtime', why: notPinned }),
  refused({ property: 'hw_cpu_realtime_mask', spec: 'hw:cpu_realtime_mask', why: notPinned }),
  refused({ property: '', spec: 'hw:cpu_dedicated_mask', why: notPinned }),
  refused({ property: '', spec: 'hw:emulator_threads_policy', why: notPinned }),
  ...['cpu_shares', 'cpu_period', 'cpu_quota'].map((name) =>
    refused({ property: '', spec: `quota:${name}`, why: 'guests share processors evenly' }),
  ),
  flag({ property: 'hw_pmu', spec: 'hw:pmu', effect: 'performance counters', change: (hasPmu) => ({ hasPmu }) }),
  flag({
    property: 'img_hide_hypervisor_id',
    spec: 'hide_hypervisor_id',
    effect: 'the processor does not say that it is virtual',
    change: (isHypervisorHidden) => ({ isHypervisorHidden }),
  }),
  flag({
    property: '',
    spec: 'hw:hide_hypervisor_id',
    effect: 'the processor does not say that it is virtual',
    change: (isHypervisorHidden) => ({ isHypervisorHidden }),
  }),
  refused({
    property: 'hw_maxphysaddr_mode',
    spec: 'hw:maxphysaddr_mode',
    why: 'addresses are as wide as the processor has them',
  }),
  refused({
    property: 'hw_maxphysaddr_bits',
    spec: 'hw:maxphysaddr_bits',
    why: 'addresses are as wide as the processor has them',
  }),
]

const memory: readonly Row[] = [
  words({
    property: 'hw_mem_page_size',
    spec: 'hw:mem_page_size',
    effect: 'pages of 4 KiB',
    accepted: 'any small 4 4k 4kb 4kib',
    refused: Object.fromEntries(
      'large 2048 2m 2mb 2mib 1048576 1g 1gb 1gib'.split(' ').map((size) => [size, notPinned]),
    ),
  }),
  words({
    property: 'hw_numa_nodes',
    spec: 'hw:numa_nodes',
    effect: 'one node, as there is',
    accepted: '1',
    refused: Object.fromEntries('2 3 4 5 6 7 8'.split(' ').map((nodes) => [nodes, notPinned])),
  }),
  refused({ property: 'hw_numa_cpus.0', spec: 'hw:numa_cpus.0', why: notPinned }),
  refused({ property: 'hw_numa_mem.0', spec: 'hw:numa_mem.0', why: notPinned }),
  noted({
    property: 'hw_pci_numa_affinity_policy',
    spec: 'hw:pci_numa_affinity_policy',
    effect: 'no devices of the host are given',
  }),
  refused({ property: '', spec: 'hw:pmem', why: 'hosts have no persistent memory' }),
  refused({ property: '', spec: 'pci_passthrough:alias', why: 'devices of the host are not given to guests' }),
  refused({ property: '', spec: 'accel:device_profile', why: 'devices of the host are not given to guests' }),
  neverOn({ property: 'hw_locked_memory', spec: 'hw:locked_memory', why: notPinned }),
  neverOn({ property: 'hw_mem_encryption', spec: 'hw:mem_encryption', why: 'memory is not encrypted' }),
]

const devices: readonly Row[] = [
  choice({
    property: 'hw_video_model',
    effect: 'screen of the console',
    choices: {
      vga: { video: 'vga' },
      cirrus: { video: 'cirrus' },
      qxl: { video: 'qxl' },
      vmvga: { video: 'vmvga' },
      virtio: { video: 'virtio' },
      bochs: { video: 'bochs' },
      none: { video: null },
    },
    refused: { xen: otherHypervisor, gop: otherHypervisor },
  }),
  count({
    property: 'hw_video_ram',
    max: 512,
    effect: 'MiB, as far as the flavor’s `hw_video:ram_max_mb` allows',
    change: (videoRamMb) => (videoRamMb === 0 ? {} : { videoRamMb }),
  }),
  count({ property: '', spec: 'hw_video:ram_max_mb', effect: 'bounds `hw_video_ram`', change: () => ({}) }),
  choice({ property: 'hw_rng_model', effect: 'guests have one anyway', choices: { virtio: {} } }),
  flag({
    property: '',
    spec: 'hw_rng:allowed',
    effect: 'a source of randomness; no takes it away',
    change: (hasRng) => ({ hasRng }),
  }),
  count({
    property: '',
    spec: 'hw_rng:rate_bytes',
    effect: 'most bytes of randomness in a period',
    change: () => ({}),
  }),
  count({
    property: '',
    spec: 'hw_rng:rate_period',
    effect: 'that period in milliseconds, 1000 without',
    change: () => ({}),
  }),
  flag({
    property: 'hw_qemu_guest_agent',
    effect: 'a channel for QEMU’s guest agent',
    change: (hasGuestAgent) => ({ hasGuestAgent }),
  }),
  choice({
    property: 'hw_watchdog_action',
    spec: 'hw:watchdog_action',
    effect: 'an i6300esb, and what happens when nobody feeds it',
    choices: {
      disabled: { watchdog: null },
      reset: { watchdog: 'reset' },
      poweroff: { watchdog: 'poweroff' },
      pause: { watchdog: 'pause' },
      none: { watchdog: 'none' },
    },
  }),
  count({
    property: 'hw_serial_port_count',
    spec: 'hw:serial_port_count',
    min: 1,
    max: 4,
    effect: 'serial ports; the first is the console. An image may have as many as its flavor or fewer',
    change: (serialPorts) => ({ serialPorts }),
  }),
  choice({
    property: 'hw_input_bus',
    spec: 'hw:input_bus',
    effect: 'a tablet, with virtio a keyboard too; PS/2 without',
    choices: { usb: { inputBus: 'usb' }, virtio: { inputBus: 'virtio' } },
  }),
  choice({
    property: 'hw_pointer_model',
    effect: 'usbtablet as `hw_input_bus=usb`',
    choices: { usbtablet: { inputBus: 'usb' }, ps2mouse: {} },
  }),
  refused({ property: 'hw_tpm_model', spec: 'hw:tpm_model', why: 'guests have no TPM' }),
  refused({ property: 'hw_tpm_version', spec: 'hw:tpm_version', why: 'guests have no TPM' }),
  refused({ property: 'hw_viommu_model', spec: 'hw:viommu_model', why: 'guests have no IOMMU' }),
  refused({ property: 'hw_sound_model', spec: 'hw:sound_model', why: 'guests have no sound' }),
  refused({ property: 'hw_redirected_usb_ports', spec: 'hw:redirected_usb_ports', why: 'there is no SPICE' }),
]

export const hardwareTable: readonly Row[] = [...disks, ...cards, ...machine, ...processors, ...memory, ...devices]
