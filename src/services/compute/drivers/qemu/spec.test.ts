import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guestArguments } from '../../../../host/qemu-arguments.ts'
import { readHardware } from '../../model/hardware/read.ts'
import { hardwareTable } from '../../model/hardware/table.ts'
import type { DesiredServer } from '../../rpc/conductor.ts'
import { guestFolder } from './folder.ts'
import { guestSpec, type Host } from './spec.ts'

const id = '6f1c2b6e-1111-4222-8333-444455556666'
const port = { id: 'p', mac: 'fa:16:3e:00:00:01', networkId: 'n', tap: 'tap01234567-89', mtu: 1450, isActive: true }
const server: DesiredServer = {
  id,
  revision: 1,
  projectId: 'p',
  name: 'evil,file=/etc/shadow" -monitor stdio\n',
  power: 'running',
  reboot: { generation: 0, type: 'SOFT' },
  vcpus: 1,
  memoryMb: 128,
  rootGb: 1,
  ephemeralGb: 0,
  swapMb: 0,
  image: null,
  extraSpecs: {},
  ports: [port],
  configDrive: null,
  isDeleted: false,
  isBuilt: false,
  requestId: null,
}
const argv = (changes: Partial<DesiredServer>, host: Host = { virtType: 'tcg', uefi: '/fw/CODE.fd' }) => {
  const wanted = { ...server, ...changes }
  const hardware = readHardware(wanted.image?.properties ?? {}, wanted.extraSpecs, wanted.vcpus)
  return guestArguments(guestSpec(wanted, hardware, guestFolder('/var/lib/x', id), host))
}
const imageOf = (properties: Record<string, string>, diskFormat = 'qcow2') => ({
  image: { id, diskFormat, properties },
})
const iso = { format: 'iso9660' as const, contents: [], files: {} }

test('D5: nothing that a user wrote reaches the command line', () => {
  assert.ok(!argv({}).some((word) => word.includes('evil') || word.includes('shadow')))
})

test('D5: a tap with a hostile name is refused', () => {
  assert.throws(() => argv({ ports: [{ ...port, tap: 'tap,script=/x' }] }))
})

test('D5: an id that leaves the state folder is refused', () => {
  assert.throws(() => guestFolder('/var/lib/x', '../../etc'))
})

test('the config drive is there only when wanted', () => {
  assert.ok(!argv({}).some((word) => word.includes('config.iso')))
  assert.ok(argv({ configDrive: iso }).some((word) => word.includes('config.iso')))
})

/** Image property or extra spec, value, what QEMU is told then. */
const effects: [name: string, value: string, ...words: string[]][] = [
  ['hw_disk_bus', 'scsi', '"driver":"virtio-scsi-pci","id":"scsi0"', '"driver":"scsi-hd"'],
  ['hw_disk_bus', 'sata', '"driver":"ide-hd","id":"disk-root","drive":"root","bootindex":1,"bus":"ide.0"'],
  ['hw_disk_bus', 'ide', 'pc,memory-backend=ram', '"bootindex":1,"bus":"ide.0","unit":0'],
  ['hw_disk_bus', 'usb', '"driver":"qemu-xhci","id":"usb"', '"driver":"usb-storage","id":"disk-root"'],
  ['hw_cdrom_bus', 'sata', '"driver":"ide-cd","id":"disk-config"'],
  ['hw_cdrom_bus', 'scsi', '"driver":"scsi-cd","id":"disk-config"', '"driver":"virtio-blk-pci","id":"disk-root"'],
  ['hw_cdrom_bus', 'ide', 'pc,memory-backend=ram', '"driver":"ide-cd","id":"disk-config"'],
  ['hw_scsi_model', 'lsilogic'],
  ['quota:disk_read_bytes_sec', '7', '"limits":{"bps-read":7}', '"throttle-group":"root-limits"'],
  ['quota:disk_write_bytes_sec', '7', '"limits":{"bps-write":7}'],
  ['quota:disk_total_bytes_sec', '7', '"limits":{"bps-total":7}'],
  ['quota:disk_read_iops_sec', '7', '"limits":{"iops-read":7}'],
  ['quota:disk_write_iops_sec', '7', '"limits":{"iops-write":7}'],
  ['quota:disk_total_iops_sec', '7', '"limits":{"iops-total":7}'],
  ['hw_vif_model', 'e1000', 'pc,memory-backend=ram', '"driver":"e1000"'],
  ['hw_vif_model', 'e1000e', 'q35,memory-backend=ram', '"driver":"e1000e"', '"bus":"rp0"'],
  ['hw_vif_model', 'rtl8139', '"driver":"rtl8139"'],
  ['hw_vif_model', 'ne2k_pci', '"driver":"ne2k_pci"'],
  ['hw_vif_model', 'pcnet', '"driver":"pcnet"'],
  ['hw_vif_model', 'vmxnet3', '"driver":"vmxnet3"'],
  ['hw_vif_multiqueue_enabled', 'yes', '"queues":2', '"mq":true,"vectors":6'],
  ['hw:vif_multiqueue_enabled', 'true', '"queues":2'],
  ['hw_virtio_packed_ring', 'yes', '"host_mtu":1450,"packed":true', '"bootindex":1,"bus":"rp1","packed":true'],
  ['hw:virtio_packed_ring', 'yes', '"packed":true'],
  ['hw_machine_type', 'pc', 'pc,memory-backend=ram'],
  ['hw_machine_type', 'pc-q35-7.2', 'pc-q35-7.2,memory-backend=ram', '"driver":"pcie-root-port"'],
  ['hw_firmware_type', 'uefi', 'q35,memory-backend=ram,pflash0=firmware,pflash1=settings', '/fw/CODE.fd', '/nvram.fd'],
  ['hw_boot_menu', 'true', 'menu=on'],
  ['hw:boot_menu', 'true', 'menu=on'],
  ['hw_time_hpet', 'false', 'q35,hpet=off,memory-backend=ram'],
  ['os_type', 'windows', 'base=localtime'],
  ['hw_cpu_sockets', '1', '2,sockets=1,cores=2,threads=1'],
  ['hw_cpu_cores', '2', '2,sockets=1,cores=2,threads=1'],
  ['hw_cpu_threads', '2', '2,sockets=1,cores=1,threads=2'],
  ['hw:cpu_max_sockets', '1', '2,sockets=1,cores=2,threads=1'],
  ['hw_cpu_max_cores', '1', '2,sockets=2,cores=1,threads=1'],
  ['hw_cpu_max_threads', '1', '2,sockets=2,cores=1,threads=1'],
  ['hw_pmu', 'no', 'qemu64,pmu=off'],
  ['hw:pmu', 'yes', 'qemu64,pmu=on'],
  ['img_hide_hypervisor_id', 'yes', 'qemu64,-hypervisor'],
  ['hide_hypervisor_id', 'yes', 'qemu64,-hypervisor'],
  ['hw:hide_hypervisor_id', 'yes', 'qemu64,-hypervisor'],
  ['hw_video_model', 'cirrus', '"driver":"cirrus-vga"'],
  ['hw_video_model', 'qxl', '"driver":"qxl-vga"'],
  ['hw_video_model', 'vmvga', '"driver":"vmware-svga"'],
  ['hw_video_model', 'virtio', '"driver":"virtio-vga"'],
  ['hw_video_model', 'bochs', '"driver":"bochs-display"'],
  ['hw_video_ram', '48', '"vgamem_mb":32'],
  ['hw_rng:rate_bytes', '9', '"max-bytes":9,"period":1000'],
  ['hw_qemu_guest_agent', 'yes', 'org.qemu.guest_agent.0', '/run/qga.sock'],
  ['hw_watchdog_action', 'pause', '"driver":"i6300esb"', 'watchdog=pause'],
  ['hw:watchdog_action', 'reset', 'watchdog=reset'],
  ['hw_serial_port_count', '2', '"driver":"VGA"'],
  ['hw_input_bus', 'usb', '"driver":"usb-tablet"'],
  ['hw_input_bus', 'virtio', '"driver":"virtio-tablet-pci"', '"driver":"virtio-keyboard-pci"'],
  ['hw_pointer_model', 'usbtablet', '"driver":"usb-tablet"'],
]

const withWord = (name: string, value: string) => {
  const isSpec = hardwareTable.some(({ spec }) => spec === name)
  const base = { vcpus: 2, configDrive: iso, extraSpecs: { 'hw_video:ram_max_mb': '64' } }
  return isSpec
    ? { ...base, extraSpecs: { ...base.extraSpecs, [name]: value } }
    : { ...base, ...imageOf({ [name]: value }) }
}

for (const [name, value, ...words] of effects) {
  test(`${name}=${value} is carried out`, () => {
    const line = argv(withWord(name, value))
    for (const word of words)
      assert.ok(
        line.some((each) => each.includes(word)),
        `${word} in\n${line.join('\n')}`,
      )
  })
}

test('each controller of scsi is one of QEMU', () => {
  const controllerOf = (model: string) =>
    argv(imageOf({ hw_disk_bus: 'scsi', hw_scsi_model: model }))
      .filter((word) => word.includes('"id":"scsi0"'))
      .map((word) => (JSON.parse(word) as { driver: string }).driver)
  const all = ['virtio-scsi', 'lsilogic', 'lsisas1068', 'lsisas1078', 'vmpvscsi'].flatMap(controllerOf)
  assert.deepEqual(all, ['virtio-scsi-pci', 'lsi53c895a', 'mptsas1068', 'megasas', 'pvscsi'])
})

test('what takes something away', () => {
  assert.ok(!argv(withWord('hw_rng:allowed', 'no')).some((word) => word.includes('virtio-rng')))
  assert.ok(!argv(withWord('hw_video_model', 'none')).some((word) => word.includes('"id":"video"')))
  assert.ok(!argv(withWord('hw_watchdog_action', 'disabled')).includes('-action'))
  assert.equal(argv(withWord('hw_serial_port_count', '3')).filter((word) => word === '-serial').length, 3)
})

test('every row that changes something is in this file', () => {
  const told = new Set([
    ...effects.map(([name]) => name),
    'hw_rng:allowed',
    'hw_video:ram_max_mb',
    'hw_rng:rate_period',
  ])
  for (const { property, spec, values, effect } of hardwareTable) {
    const isNothing =
      values === 'none' ||
      values === 'any' ||
      values === 'no' ||
      /^(nothing|pages|boots|guests have|one node)/.test(effect)
    const names = [property, spec ?? ''].filter((name) => name !== '')
    assert.ok(isNothing || names.some((name) => told.has(name)), names.join(' '))
  }
})

test('Windows has Hyper-V’s interfaces where there is KVM', () => {
  const line = argv(imageOf({ os_type: 'windows', img_hide_hypervisor_id: 'true' }), { virtType: 'kvm' })
  assert.ok(line.includes('host,-hypervisor,kvm=off,hv_relaxed=on,hv_vapic=on,hv_spinlocks=0x1fff,hv_time=on'))
})

test('an image to install from is a CD-ROM; a config drive of vfat is a disk', () => {
  const rootOf = (changes: Partial<DesiredServer>) => argv(changes).find((word) => word.includes('"id":"disk-root"'))
  assert.match(rootOf(imageOf({}, 'iso'))!, /"driver":"ide-cd".*"bootindex":1.*"bus":"ide.0"/)
  assert.match(rootOf(imageOf({ hw_cdrom_bus: 'scsi' }, 'iso'))!, /"driver":"scsi-cd"/)
  const line = argv({ ...imageOf({ hw_cdrom_bus: 'sata' }), configDrive: { ...iso, format: 'vfat' } })
  assert.ok(line.some((word) => word.includes('"driver":"ide-hd","id":"disk-config"')))
})
