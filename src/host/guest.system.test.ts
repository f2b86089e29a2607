import assert from 'node:assert/strict'
import { readFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { randomUUID } from 'node:crypto'
import { waitFor } from '../base/wait.ts'
import { CommandFailed, run } from './command.ts'
import { buildVolume } from './volume.ts'
import { probeAccel, rememberedProbe } from './kvm.ts'
import { deleteLink, ensureTap } from './links.ts'
import { deleteNetns, ensureNetns } from './netns.ts'
import { computePrograms } from './packages.ts'
import { blockNode, diskDevice } from './qemu-arguments.ts'
import type { GuestSpec } from './qemu-arguments.ts'
import { convertImage, createImage, createOverlay, growImage, showImage } from './qemu-img.ts'
import { findGuest, findGuests, isAlive, killGuest, startGuest } from './qemu.ts'
import { listFreeRootPorts } from './qemu-ports.ts'
import { connectQmp } from './qmp.ts'
import { reasonToSkip, uniqueName } from './testing.ts'

const skip = await reasonToSkip(computePrograms)
const MiB = 1024 * 1024

/** A disk of one sector of code that prints `ok` on the serial port. */
function talkingDisk(): Buffer {
  const disk = Buffer.alloc(MiB)
  // mov dx, 3f8; then mov al, CHAR; out dx, al for each; halt: hlt; jmp halt
  const say = [...'ok\n'].flatMap((each) => [0xb0, each.charCodeAt(0), 0xee])
  disk.set([0xba, 0xf8, 0x03, ...say, 0xf4, 0xeb, 0xfd])
  disk.set([0x55, 0xaa], 510)
  return disk
}

describe('guests', { skip }, () => {
  const netns = uniqueName('hostq-')
  const runAs = { uid: 65_534, gid: 65_534 }
  const started: GuestSpec[] = []
  let dir = ''

  const describeGuest = (name: string, more: Partial<GuestSpec> = {}): GuestSpec => {
    const folder = join(dir, name)
    const spec: GuestSpec = {
      uuid: randomUUID(),
      machine: 'q35',
      virtType: 'tcg',
      cpuModel: 'qemu64',
      vcpus: 1,
      memoryMb: 64,
      disks: [],
      cdroms: [],
      nics: [],
      consoleLog: join(folder, 'console.log'),
      serialSocket: join(folder, 'serial.sock'),
      vncSocket: join(folder, 'vnc.sock'),
      qmpSocket: join(folder, 'qmp.sock'),
      pidFile: join(folder, 'pid'),
      ...more,
    }
    started.push(spec)
    return spec
  }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nephos-guest-'))
    await run(['chmod', '711', dir])
    await ensureNetns(netns)
  })
  after(async () => {
    for (const { pidFile, uuid } of started) await killGuest(pidFile, uuid)
    await deleteNetns(netns)
    await rm(dir, { recursive: true, force: true })
  })

  test('D6: a paused guest starts confined, also as an ordinary user, answers QMP and ends', async () => {
    const spec = describeGuest('paused', {
      isPaused: true,
      smbios: { product: 'a,b=c' },
      agentSocket: join(dir, 'paused', 'qga.sock'),
    })
    const guest = await startGuest(spec)
    assert.deepEqual(await startGuest(spec), guest, 'starting it again finds it')
    const qmp = await connectQmp(spec.qmpSocket)
    assert.deepEqual(((await qmp.execute('query-status')) as { status: string }).status, 'prelaunch')
    assert.equal((await listFreeRootPorts(qmp)).length, 8)
    assert.equal((await stat(spec.qmpSocket)).mode & 0o777, 0o600)
    assert.match(await readFile(`/proc/${guest.pid}/status`, 'utf8'), /Seccomp:\t2/)

    const file = join(dir, 'plugged.qcow2')
    await createImage(file, { format: 'qcow2', size: MiB })
    const disk = { nodeName: 'd9', deviceId: 'vd9', file, format: 'qcow2', bus: 'virtio' } as const
    await qmp.execute('blockdev-add', blockNode(disk))
    await qmp.execute('device_add', diskDevice(disk, (await listFreeRootPorts(qmp))[0]))
    assert.equal((await listFreeRootPorts(qmp)).length, 7)

    const asUser = describeGuest('as-user', { isPaused: true })
    const { pid } = await startGuest(asUser, { netns, runAs, limits: { openFiles: 4096 } })
    assert.match(await readFile(`/proc/${pid}/status`, 'utf8'), /Uid:\t65534[^]*NoNewPrivs:\t1/)
    assert.equal(await killGuest(asUser.pidFile, asUser.uuid), 'stopped')

    await qmp.execute('quit')
    await waitFor(async () => !(await isAlive(spec.pidFile, spec.uuid)), { what: 'end of the guest', timeoutMs: 5000 })
    qmp.close()
  })

  for (const machine of ['q35', 'pc'] as const) {
    test(`a ${machine} guest with disks, drives and a NIC boots, as an ordinary user where the machine permits it`, async (t) => {
      const folder = await mkdtemp(join(dir, `${machine}-`))
      const disk = join(folder, 'disk.raw')
      await writeFile(disk, talkingDisk())
      const overlay = join(folder, 'disk.qcow2')
      await createOverlay(overlay, { backingFile: disk, backingFormat: 'raw' })
      const extra = join(folder, 'extra.qcow2')
      await createImage(extra, { format: 'qcow2', size: MiB })
      const iso = join(folder, 'config.iso')
      await buildVolume(iso, {
        format: 'iso9660',
        label: 'config-2',
        files: new Map([['openstack/latest/meta_data.json', '{}']]),
        owner: runAs,
      })
      await run(['chown', '-R', '65534:65534', '--', folder])
      const tap = `tap-${machine}`
      await ensureTap({ name: tap, ownerUid: 65_534, mtu: 1450 }, { netns })

      const spec = describeGuest(`boot-${machine}`, {
        machine,
        disks: [
          {
            nodeName: 'd0',
            deviceId: 'vd0',
            file: overlay,
            format: 'qcow2',
            bus: 'virtio',
            bootIndex: 1,
            serial: 'a,b',
          },
          { nodeName: 'd1', deviceId: 'sd0', file: extra, format: 'qcow2', bus: 'scsi' },
        ],
        cdroms: [{ nodeName: 'c0', deviceId: 'cd0', file: iso, bus: 'ide' }],
        nics: [{ id: 'nic0', tap, mac: 'fa:16:3e:00:00:01', mtu: 1450 }],
      })
      const isTunForAll = ((await stat('/dev/net/tun')).mode & 0o006) === 0o006
      if (!isTunForAll) {
        t.diagnostic('/dev/net/tun is for root only: the guest runs as root')
        await ensureTap({ name: tap, mtu: 1450 }, { netns })
      }
      const guest = await startGuest(spec, { netns, runAs: isTunForAll ? runAs : undefined })
      const credentials = isTunForAll ? /Uid:\t65534[^]*NoNewPrivs:\t1/ : /Uid:\t0/
      assert.match(await readFile(`/proc/${guest.pid}/status`, 'utf8'), credentials)
      await waitFor(async () => (await readFile(spec.consoleLog, 'utf8')).includes('ok\n'), {
        what: 'the guest printing ok',
        timeoutMs: 60_000,
      })
      assert.deepEqual(
        (await findGuests(dir)).map(({ uuid }) => uuid),
        [spec.uuid],
      )
      assert.equal(await findGuest(spec.pidFile, randomUUID()), undefined, 'another guest is not this one')
      await assert.rejects(
        showImage(overlay, 'qcow2').then(() => growImage(overlay, { format: 'qcow2', size: 2 * MiB })),
        CommandFailed,
      )

      assert.equal(await killGuest(spec.pidFile, spec.uuid), 'stopped')
      assert.equal(await killGuest(spec.pidFile, spec.uuid), 'gone')
      await deleteLink(tap, { netns })
    })
  }

  test('a reused pid is not taken for the guest', async () => {
    const pidFile = join(dir, 'reused.pid')
    await writeFile(pidFile, String(process.pid))
    const uuid = randomUUID()
    assert.equal(await isAlive(pidFile, uuid), false)
    assert.equal(await killGuest(pidFile, uuid), 'gone')
  })

  test('a guest that cannot start says why', async () => {
    const spec = describeGuest('broken', {
      disks: [{ nodeName: 'd0', deviceId: 'vd0', file: '/nonexistent', format: 'raw', bus: 'virtio' }],
    })
    await assert.rejects(startGuest(spec), /No such file/)
  })

  test('emulation works; whether KVM works is an answer, not a failure', async () => {
    assert.equal((await probeAccel('tcg', { timeoutMs: 20_000 })).works, true)
    const probe = rememberedProbe('kvm')
    const [first, second] = await Promise.all([probe(), probe()])
    assert.equal(first, second)
    assert.equal(typeof first.works, 'boolean')
  })

  test('images: overlay, resize, convert, info', async () => {
    const base = join(dir, 'base image, with odd name.raw')
    await writeFile(base, talkingDisk())
    const overlay = join(dir, 'overlay.qcow2')
    await createOverlay(overlay, { backingFile: base, backingFormat: 'raw', size: 4 * MiB })
    const info = await showImage(overlay, 'qcow2')
    assert.deepEqual([info.virtualSize, info.backingFile, info.backingFormat], [4 * MiB, base, 'raw'])
    await growImage(overlay, { format: 'qcow2', size: 8 * MiB })

    const flat = join(dir, 'flat.raw')
    await convertImage(overlay, flat, { from: 'qcow2', to: 'raw' })
    assert.equal((await readFile(flat)).subarray(0, MiB).equals(talkingDisk()), true)

    const alone = join(dir, 'alone.raw')
    await convertImage(overlay, alone, { from: 'qcow2', to: 'raw', isBackingless: true })
    assert.equal(
      (await readFile(alone)).every((byte) => byte === 0),
      true,
      'nothing of the backing file is in it',
    )
  })

  test('C3: a raw disk stays raw, whatever a guest has written to it', async () => {
    const trap = join(dir, 'trap')
    await createOverlay(trap, { backingFile: join(dir, 'base image, with odd name.raw'), backingFormat: 'raw' })
    const info = await showImage(trap, 'raw')
    assert.deepEqual([info.format, info.backingFile], ['raw', undefined])
    const copy = join(dir, 'trap-copy.raw')
    await convertImage(trap, copy, { from: 'raw', to: 'raw' })
    assert.equal((await readFile(copy)).subarray(0, 3).toString(), 'QFI')
  })

  test('C4: image tools have no more memory than allowed, and no way but files', async () => {
    const file = join(dir, 'base image, with odd name.raw')
    await assert.rejects(showImage(file, 'raw', { limits: { addressSpaceBytes: 16 * MiB } }), CommandFailed)
    await assert.rejects(showImage('nbd://127.0.0.1/x', 'raw'), /image file is not acceptable/)
  })

  test('an ISO image has its label and content, and leaves nothing behind', async () => {
    const target = join(dir, 'only.iso')
    const files = new Map<string, string | Uint8Array>([
      ['openstack/latest/meta_data.json', '{"uuid": "x"}'],
      ['openstack/latest/user_data', Buffer.from([0, 1, 2])],
      ['ec2/latest/meta-data.json', '{}'],
    ])
    await buildVolume(target, {
      format: 'iso9660',
      label: 'config-2',
      files,
    })
    const image = await readFile(target)
    assert.equal(image.subarray(32_768 + 40, 32_768 + 48).toString(), 'config-2')
    assert.ok(image.includes('{"uuid": "x"}'))
    assert.equal((await stat(target)).mode & 0o777, 0o600)
    assert.deepEqual(
      (await readdir(dir)).filter((name) => name.startsWith('.iso')),
      [],
    )
    await assert.rejects(
      buildVolume(target, {
        format: 'iso9660',
        label: 'x',
        files: new Map([['../x', '']]),
      }),
      /path in an image/,
    )
  })
})
