import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { InvalidProperty, RefusedProperty } from './hardware.ts'
import { checkProperties, readHardware } from './read.ts'
import { hardwareTable } from './table.ts'

const read = (image: Record<string, string>, flavor: Record<string, string> = {}, vcpus = 1) =>
  readHardware(image, flavor, vcpus)

test('without a word a guest is what it always was', () => {
  const { machine, diskBus, nicModel, video, hasRng, topology } = read({ os_distro: 'debian', anything: 'x' })
  assert.deepEqual(
    [machine, diskBus, nicModel, video, hasRng, topology],
    ['q35', 'virtio', 'virtio', 'vga', true, null],
  )
})

test('the image has the last word, the flavor that before', () => {
  assert.equal(read({}, { 'hw:watchdog_action': 'reset' }).watchdog, 'reset')
  assert.equal(read({ hw_watchdog_action: 'pause' }, { 'hw:watchdog_action': 'reset' }).watchdog, 'pause')
  assert.equal(read({ hw_boot_menu: 'True' }).hasBootMenu, true)
  assert.equal(read({ hw_boot_menu: 'no' }, { 'hw:boot_menu': 'yes' }).hasBootMenu, false)
  assert.equal(read({}, { 'hw_rng:allowed': 'false' }).hasRng, false)
  assert.deepEqual(read({}, { 'hw_rng:rate_bytes': '100' }).rngRate, { bytes: 100, periodMs: 1000 })
  const limits = {
    'quota:disk_read_iops_sec': '7',
    'quota:disk_total_bytes_sec': '9',
    'quota:disk_write_iops_sec': '0',
  }
  assert.deepEqual(read({}, limits).diskLimits, { 'iops-read': 7, 'bps-total': 9 })
})

test('old hardware is of an old machine, unless the image says which', () => {
  assert.equal(read({ hw_disk_bus: 'ide' }).machine, 'pc')
  assert.equal(read({ hw_cdrom_bus: 'ide' }).machine, 'pc')
  assert.equal(read({ hw_vif_model: 'e1000' }).machine, 'pc')
  assert.equal(read({ hw_vif_model: 'e1000e', hw_disk_bus: 'sata' }).machine, 'q35')
  assert.equal(read({ hw_vif_model: 'e1000', hw_machine_type: 'q35' }).machine, 'q35')
  const { machine, machineVersion } = read({ hw_machine_type: 'pc-i440fx-7.2' })
  assert.deepEqual([machine, machineVersion], ['pc', 'pc-i440fx-7.2'])
  assert.throws(() => read({ hw_disk_bus: 'ide', hw_machine_type: 'q35' }), /hw_disk_bus=ide cannot be had.*use sata/)
  assert.throws(() => read({ hw_machine_type: 'virt' }), RefusedProperty)
})

test('names and words that images had before', () => {
  const vmware = read({ vmware_adaptertype: 'lsiLogic', hw_vif_model: 'VirtualE1000e' })
  assert.deepEqual([vmware.diskBus, vmware.scsiModel, vmware.nicModel], ['scsi', 'lsilogic', 'e1000e'])
  assert.equal(read({ vmware_adaptertype: 'paraVirtual' }).scsiModel, 'vmpvscsi')
  assert.equal(read({ vmware_adaptertype: 'ide' }).diskBus, 'ide')
  assert.equal(read({ vmware_adaptertype: 'ide', hw_disk_bus: 'virtio' }).diskBus, 'virtio')
  assert.throws(() => read({ vmware_adaptertype: 'busLogic' }), /hw_scsi_model=busLogic cannot be had/)
  assert.throws(() => read({ architecture: 'aarch64' }), /hw_architecture=aarch64 cannot be had: hosts are x86_64/)
})

test('processors are arranged as wanted, within the limits of the flavor', () => {
  const of = (image: Record<string, string>, flavor = {}, vcpus = 8) => read(image, flavor, vcpus).topology
  assert.deepEqual(of({ hw_cpu_cores: '4' }), { sockets: 2, cores: 4, threads: 1 })
  assert.deepEqual(of({}, { 'hw:cpu_threads': '2' }), { sockets: 4, cores: 1, threads: 2 })
  assert.deepEqual(of({}, { 'hw:cpu_max_sockets': '2' }), { sockets: 2, cores: 4, threads: 1 })
  const all = { hw_cpu_sockets: '2', hw_cpu_cores: '2', hw_cpu_threads: '2' }
  assert.deepEqual(of(all), { sockets: 2, cores: 2, threads: 2 })
  assert.throws(() => of(all, {}, 4), /do not make 4 processors/)
  assert.throws(() => of({ hw_cpu_sockets: '4' }, { 'hw:cpu_max_sockets': '2' }), /more than the flavor allows/)
  assert.throws(() => of({ hw_cpu_max_sockets: '1', hw_cpu_max_cores: '1', hw_cpu_max_threads: '1' }), /no arrangement/)
})

test('video memory and serial ports are bounded by the flavor', () => {
  assert.equal(read({ hw_video_ram: '64' }, { 'hw_video:ram_max_mb': '64' }).videoRamMb, 64)
  assert.throws(() => read({ hw_video_ram: '64' }), /hw_video_ram=64 is more than the flavor allows/)
  assert.equal(read({ hw_serial_port_count: '2' }, { 'hw:serial_port_count': '3' }).serialPorts, 2)
  assert.throws(() => read({ hw_serial_port_count: '4' }, { 'hw:serial_port_count': '3' }), InvalidProperty)
})

test('a value that means nothing is told at once, one that cannot be had by the host', () => {
  assert.throws(() => checkProperties({ hw_disk_bus: 'bogus' }), /hw_disk_bus=bogus is not one of virtio, scsi/)
  assert.throws(
    () => checkProperties({ hw_serial_port_count: 'many' }),
    /hw_serial_port_count=many is not a whole number/,
  )
  checkProperties({ hw_disk_bus: 'xen', hw_tpm_model: 'tpm-crb', hw_mem_page_size: 'large' })
  for (const [name, value] of [
    ['hw_disk_bus', 'xen'],
    ['hw_tpm_model', 'tpm-crb'],
    ['hw_mem_page_size', 'large'],
    ['hw_cpu_policy', 'dedicated'],
    ['os_secure_boot', 'required'],
    ['kernel_id', 'x'],
    ['hw_mem_encryption', 'true'],
  ] as const)
    assert.throws(() => read({ [name]: value }), new RegExp(`${name}=${value} cannot be had: `))
  assert.equal(read({ kernel_id: '', ramdisk_id: '' }).machine, 'q35')
  assert.throws(() => read({}, { 'quota:cpu_shares': '5' }), /quota:cpu_shares=5 cannot be had/)
})

test('docs/operating/compute.md has the table as it is', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../../../docs/operating/compute.md'), 'utf8')
  const cell = (word: string | undefined) => (word ? `\`${word}\`` : '')
  for (const { property, spec, values, effect } of hardwareTable) {
    const row = `| ${cell(property)} | ${cell(spec)} | ${values} | ${effect} |`
    assert.ok(text.includes(`${row}\n`), `docs/operating/compute.md lacks the row:\n${row}`)
  }
})
