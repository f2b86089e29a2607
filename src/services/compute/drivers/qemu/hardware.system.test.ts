/** QEMU itself takes all hardware that an image or a flavor may ask for: started without running, and ended. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { ensureTap } from '../../../../host/links.ts'
import { computePrograms } from '../../../../host/packages.ts'
import { killGuest, startGuest } from '../../../../host/qemu.ts'
import { connectQmp } from '../../../../host/qmp.ts'
import { hostNamespaces, inNamespaces, reasonToSkip } from '../../../../host/testing.ts'
import { readHardware } from '../../model/hardware/read.ts'
import { hardwareTable } from '../../model/hardware/table.ts'
import { desiredPort, desiredServer } from '../driver-suite.ts'
import { DriverError } from '../driver.ts'
import { Disks } from './disks.ts'
import { guestFolder } from './folder.ts'
import { HardwareOfHost } from './hardware.ts'
import { listNics, nicOf, plugNic, queuesOf } from './nics.ts'
import { guestSpec } from './spec.ts'

inNamespaces(import.meta.filename, { skip: await reasonToSkip(computePrograms), unshare: hostNamespaces }, defineTests)

type Texts = Record<string, string>

/** Every value of every row that there are words for; rows of numbers with the least and a common one. */
function wordsOf(values: string): string[] {
  if (values === 'yes, no') return ['yes', 'no']
  if (/^\d+ (to|and)/.test(values)) return ['1', '2']
  return values.split(', ').filter((word) => !['none', 'any', 'no'].includes(word) || values !== word)
}

function combinations(): { image: Texts; flavor: Texts }[] {
  const flavor = { 'hw_video:ram_max_mb': '64' }
  const single = hardwareTable.flatMap(({ property, spec, values }) =>
    wordsOf(values.replaceAll('-N.N', '-7.2')).map((value) =>
      property === '' ? { image: {}, flavor: { ...flavor, [spec!]: value } } : { image: { [property]: value }, flavor },
    ),
  )
  const scsi = ['virtio-scsi', 'lsilogic', 'lsisas1068', 'lsisas1078', 'vmpvscsi'].flatMap((model) =>
    ['q35', 'pc'].map((machine) => ({ hw_scsi_model: model, hw_disk_bus: 'scsi', hw_machine_type: machine })),
  )
  const buses = ['virtio', 'scsi', 'sata', 'usb'].flatMap((bus) =>
    ['q35', 'pc'].map((machine) => ({ hw_disk_bus: bus, hw_cdrom_bus: bus, hw_machine_type: machine })),
  )
  const videos = ['vga', 'cirrus', 'qxl', 'vmvga', 'virtio', 'bochs'].map((model) => ({
    hw_video_model: model,
    hw_video_ram: '16',
    hw_machine_type: 'pc',
  }))
  const cards = ['e1000', 'rtl8139', 'vmxnet3'].map((model) => ({ hw_vif_model: model, hw_machine_type: 'q35' }))
  const more: Texts[] = [
    { hw_disk_bus: 'scsi', hw_virtio_packed_ring: 'yes', hw_vif_multiqueue_enabled: 'yes', os_type: 'windows' },
    { hw_firmware_type: 'uefi', hw_machine_type: 'pc', hw_input_bus: 'usb', hw_disk_bus: 'usb' },
  ]
  const several: Texts[] = [...scsi, ...buses, ...videos, ...cards, ...more]
  return [...single, ...several.map((image) => ({ image, flavor }))]
}

function defineTests() {
  test('QEMU takes every piece of hardware that images and flavors may ask for', async (t) => {
    const stateDir = await mkdtemp(join(tmpdir(), 'nh-'))
    t.after(() => rm(stateDir, { recursive: true, force: true }))
    const host = new HardwareOfHost()
    const disks = new Disks(stateDir, async () => Readable.from([Buffer.alloc(1024 * 1024)]))
    const drive = { format: 'iso9660' as const, contents: ['eA=='], files: { x: 0 } }
    const server = desiredServer(randomUUID(), { vcpus: 2, memoryMb: 64, swapMb: 1, configDrive: drive })
    const image = { ...server.image!, diskFormat: 'raw' }
    const folder = guestFolder(stateDir, server.id)
    const { tap } = server.ports[0]!
    const seen = new Set<string>()
    await mkdir(folder.dir, { recursive: true })
    await disks.make({ ...server, image }, folder, undefined, () => {})
    await host.makeNvram(folder, undefined)
    for (const { image: properties, flavor } of combinations()) {
      const wanted = { ...server, image: { ...image, properties }, extraSpecs: flavor }
      const hardware = readHardware(properties, flavor, wanted.vcpus)
      const spec = guestSpec(wanted, hardware, folder, { virtType: 'tcg', ...host.firmware })
      const text = JSON.stringify(spec)
      if (seen.has(text)) continue
      seen.add(text)
      await ensureTap({ name: tap, hasQueues: queuesOf(hardware, wanted.vcpus) > 1 })
      try {
        await startGuest({ ...spec, isPaused: true })
      } catch (error) {
        const stderr = (error as { stderr?: string }).stderr ?? ''
        assert.fail(`${JSON.stringify({ properties, flavor })}: ${String(error)}\n${stderr}`)
      } finally {
        await killGuest(folder.pid, server.id, { graceMs: 100 })
      }
    }
    assert.ok(seen.size > 60, `${seen.size} different guests`)
  })

  test('a card of an old machine is plugged while it runs', async (t) => {
    const stateDir = await mkdtemp(join(tmpdir(), 'nh-'))
    const disks = new Disks(stateDir, async () => Readable.from([]))
    const server = desiredServer(randomUUID(), { image: null })
    const folder = guestFolder(stateDir, server.id)
    t.after(async () => {
      // The guest is found by what is in its folder.
      await killGuest(folder.pid, server.id, { graceMs: 100 })
      await rm(stateDir, { recursive: true, force: true })
    })
    await mkdir(folder.dir, { recursive: true })
    await disks.make(server, folder, undefined, () => {})
    const second = desiredPort()
    for (const { tap } of [...server.ports, second]) await ensureTap({ name: tap })
    const startWith = async (properties: Texts) => {
      const hardware = readHardware(properties, {}, 1)
      await startGuest({ ...guestSpec(server, hardware, folder, { virtType: 'tcg' }), isPaused: true })
      const qmp = await connectQmp(folder.qmp)
      t.after(() => qmp.close())
      return { qmp, plug: () => plugNic(qmp, nicOf(second, hardware, 1), hardware.machine, () => {}) }
    }
    const old = await startWith({ hw_vif_model: 'rtl8139' })
    await old.plug()
    assert.deepEqual((await listNics(old.qmp)).length, 2)
    old.qmp.close()
    await killGuest(folder.pid, server.id, { graceMs: 100 })
    const mixed = await startWith({ hw_vif_model: 'rtl8139', hw_machine_type: 'q35' })
    await assert.rejects(
      mixed.plug(),
      (error) => error instanceof DriverError && /come with a reboot/.test(error.message),
    )
  })

  test('what this host has not is refused with a sentence for the owner', async () => {
    const host = new HardwareOfHost()
    const of = (properties: Texts, extraSpecs: Texts = {}) => {
      const server = desiredServer(randomUUID(), { extraSpecs })
      return host.of({ ...server, image: { ...server.image!, properties } })
    }
    const fails = (message: RegExp, isEverywhere: boolean) => (error: unknown) =>
      error instanceof DriverError && message.test(error.message) && error.isEverywhere === isEverywhere
    await assert.rejects(of({ hw_machine_type: 'pc-q35-99.0' }), fails(/QEMU has no such machine/, false))
    await assert.rejects(of({ hw_tpm_model: 'tpm-crb' }), fails(/guests have no TPM\.$/, true))
    await assert.rejects(
      of({}, { 'hw:cpu_policy': 'dedicated' }),
      fails(/^hw:cpu_policy=dedicated cannot be had/, true),
    )
    assert.equal((await of({ hw_machine_type: 'pc' })).machine, 'pc')
  })
}
