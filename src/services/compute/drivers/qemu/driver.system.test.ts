/** Real guests, in a network and a /dev/net/tun of their own. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, existsSync } from 'node:fs'
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { waitFor } from '../../../../base/wait.ts'
import { run } from '../../../../host/command.ts'
import { listLinks } from '../../../../host/links.ts'
import { computePrograms } from '../../../../host/packages.ts'
import { hostNamespaces, inNamespaces, reasonToSkip } from '../../../../host/testing.ts'
import type { Logger } from '../../../../platform/log/log.ts'
import { buildGuestImage } from '../../../../../guest/build.mjs'
import { driverSuite, desiredPort, desiredServer } from '../driver-suite.ts'
import { DriverError } from '../driver.ts'
import { QemuDriver, type QemuOptions } from './driver.ts'
import { guestFolder } from './folder.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const nobody = { uid: 65_534, gid: 65_534 }
const note = () => {}

inNamespaces(
  import.meta.filename,
  {
    skip: await reasonToSkip(computePrograms),
    unshare: hostNamespaces,
    // Out here, where packages can be fetched; inside it is found as built.
    before: () => buildGuestImage(),
  },
  defineTests,
)

const base64 = (text: string) => Buffer.from(text).toString('base64')
const configDrive = (userData: string) => ({
  format: 'iso9660' as const,
  contents: [base64(JSON.stringify({ uuid: randomUUID(), hostname: 'tiny', name: 'tiny' })), base64(userData)],
  files: { 'openstack/latest/meta_data.json': 0, 'openstack/latest/user_data': 1 },
})

/** Tells of its disks once and of its network cards whenever they change. */
const talkative = `#!/bin/sh
say() { echo "$*" > /dev/ttyS0; }
say disks: $(awk '$4 ~ /^vd.$/ { print $4 "=" $3 }' /proc/partitions)
(
  while :; do
    now=$(echo /sys/class/net/eth*)
    [ "$now" = "$before" ] || say "cards: $now;"
    before=$now
    sleep 1
  done
) &
`

/** A driver with a folder of its own. With `tun`, every user of this mount namespace may open taps. */
async function driverFor(t: TestContext, options: Partial<QemuOptions> = {}) {
  const image = await buildGuestImage()
  const stateDir = await mkdtemp(join(tmpdir(), 'nq-'))
  await run(['chmod', '711', stateDir])
  const remarks: string[] = []
  const driver = new QemuDriver({
    host: 'h',
    stateDir: join(stateDir, 'guests'),
    log: silent,
    virtType: 'qemu',
    fetchImage: async () => createReadStream(image),
    onRemark: (text) => remarks.push(text),
    ...options,
  })
  t.after(async () => {
    for (const { id } of await driver.listGuests()) await driver.destroy(id)
    await driver.stop()
    await rm(stateDir, { recursive: true, force: true })
  })
  return { driver, folder: join(stateDir, 'guests'), remarks }
}

async function useOwnTun(mode: string) {
  const node = await mkdtemp(join(tmpdir(), 'nq-tun-'))
  await run(['mount', '-t', 'tmpfs', 'tmpfs', node])
  await run(['mknod', '-m', mode, join(node, 'tun'), 'c', '10', '200'])
  await run(['mount', '--bind', join(node, 'tun'), '/dev/net/tun'])
}

async function runningGuest(driver: QemuDriver) {
  const server = desiredServer(randomUUID())
  await driver.prepare(server, note)
  await driver.boot(server, note)
  return server
}

const pidOf = async (folder: string, id: string) => (await readFile(guestFolder(folder, id).pid, 'utf8')).trim()
const statusOf = async (folder: string, id: string) => readFile(`/proc/${await pidOf(folder, id)}/status`, 'utf8')

function defineTests() {
  driverSuite({
    name: 'qemu',
    imageId: randomUUID(),
    create: (stateDir) =>
      new QemuDriver({
        host: 'h',
        stateDir,
        log: silent,
        virtType: 'qemu',
        fetchImage: async () => createReadStream(await buildGuestImage()),
      }),
    end: async (_driver, stateDir, id) => void process.kill(Number(await pidOf(stateDir, id)), 'SIGKILL'),
  })

  test('D6: where the tap device is for root only, QEMU is root within its sandbox, and that is said once', async (t) => {
    await useOwnTun('600')
    const { driver, folder, remarks } = await driverFor(t, { user: nobody })
    for (const server of [desiredServer(randomUUID()), desiredServer(randomUUID())]) {
      await driver.prepare(server, note)
      await driver.boot(server, note)
      assert.match(await statusOf(folder, server.id), /Uid:\t0\t[^]*Seccomp:\t2/)
    }
    assert.deepEqual(remarks, ['QEMU runs as root, within its sandbox: its user cannot use /dev/net/tun'])
  })

  test('D6: a guest as an ordinary user: disks, hot-plugged cards, its own end', async (t) => {
    await useOwnTun('666')
    const { driver, folder, remarks } = await driverFor(t, { user: nobody })
    const server = desiredServer(randomUUID(), { ephemeralGb: 1, swapMb: 64, configDrive: configDrive(talkative) })
    const { id } = server
    const console_ = async () => driver.consoleOutput(id, null)
    const printed = async (text: string) => {
      await waitFor(async () => (await console_()).includes(text), { what: text, timeoutMs: 120_000, intervalMs: 200 })
    }
    await driver.prepare(server, note)
    await driver.boot(server, note)
    assert.deepEqual(remarks, [])
    assert.match(await statusOf(folder, id), /Uid:\t65534[^]*NoNewPrivs:\t1[^]*Seccomp:\t2/)
    // What QEMU's user may not replace cannot lead root astray.
    const { dir, taps } = guestFolder(folder, id)
    assert.deepEqual([(await stat(dir)).uid, (await stat(dir)).mode & 0o777, (await stat(taps)).uid], [0, 0o710, 0])

    await printed('login:')
    await printed('disks: vda=1048576 vdb=1048576 vdc=65536 vdd=')
    await printed('cards: /sys/class/net/eth0;')
    // As if the guest had printed it: QEMU goes on at the beginning of the log, not beyond where it was.
    await appendFile(guestFolder(folder, id).console, `${'y\n'.repeat(1 << 20)}before\n`)
    await driver.rotateLogs()
    assert.ok((await stat(guestFolder(folder, id).console)).size < 1 << 20)
    assert.match(await console_(), /y\nbefore\n/)
    const second = desiredPort()
    const both = { ...server, ports: [...server.ports, second] }
    await driver.updatePorts(both, note)
    await driver.updatePorts(both, note)
    await printed('cards: /sys/class/net/eth0 /sys/class/net/eth1;')
    assert.deepEqual(await tapsHere(), both.ports.map(({ tap }) => tap).sort())
    await driver.updatePorts({ ...server, ports: [second] }, note)
    await printed('cards: /sys/class/net/eth1;')
    assert.deepEqual(await tapsHere(), [second.tap])
    assert.ok((await stat(guestFolder(folder, id).console)).size < 1 << 20)

    await driver.shutDown(id, note)
    assert.equal((await driver.findGuest(id))?.power, 'shutdown')
    await driver.updatePorts({ ...server, ports: [] }, note)
    assert.deepEqual(await tapsHere(), [])
    await driver.destroy(id)
    assert.deepEqual(await readdir(folder), ['_base'])
  })

  test('a guest boots from a stream-optimised vmdk on scsi, out of a state folder with a relative name', async (t) => {
    const there = await mkdtemp(join(tmpdir(), 'nv-'))
    const before = process.cwd()
    process.chdir(there)
    const vmdk = join(there, 'guest.vmdk')
    const options = ['-O', 'vmdk', '-o', 'subformat=streamOptimized']
    await run(['qemu-img', 'convert', '-f', 'qcow2', ...options, await buildGuestImage(), vmdk], { timeoutMs: 120_000 })
    const fetchImage = async () => createReadStream(vmdk)
    const { driver } = await driverFor(t, { stateDir: 'rel', fetchImage })
    // After the driver's own end, which needs the folder that it is relative to.
    t.after(async () => {
      process.chdir(before)
      await rm(there, { recursive: true, force: true })
    })
    const properties = { hw_scsi_model: 'virtio-scsi', hw_disk_bus: 'scsi', hw_qemu_guest_agent: 'yes' }
    const server = desiredServer(randomUUID(), {
      image: { id: randomUUID(), diskFormat: 'vmdk', properties },
      ports: [],
    })
    await driver.prepare(server, note)
    assert.deepEqual(await readdir(join(there, 'rel/_base')), [server.image!.id])
    await driver.boot(server, note)
    const printed = async () => (await driver.consoleOutput(server.id, null)).includes('login:')
    await waitFor(printed, { what: 'login', timeoutMs: 120_000, intervalMs: 200 })
  })

  test('D12: the config drive is made again when its content changed, and only then', async (t) => {
    const { driver, folder } = await driverFor(t)
    const server = desiredServer(randomUUID(), { configDrive: configDrive('one'), ports: [] })
    const made = async () => (await stat(guestFolder(folder, server.id).config)).ino
    await driver.prepare(server, note)
    const first = await made()
    assert.equal((await stat(guestFolder(folder, server.id).config)).mode & 0o777, 0o600)
    await driver.prepare(server, note)
    assert.equal(await made(), first)
    await driver.prepare({ ...server, configDrive: configDrive('two') }, note)
    assert.notEqual(await made(), first)
  })

  test('a guest whose QEMU does not answer is no reason to lose the others, and can be ended', async (t) => {
    const { driver, folder } = await driverFor(t)
    const [good, hung] = [desiredServer(randomUUID(), { ports: [] }), desiredServer(randomUUID(), { ports: [] })]
    for (const each of [good, hung]) {
      await driver.prepare(each, note)
      await driver.boot(each, note)
    }
    await driver.stop()
    process.kill(Number(await pidOf(folder, hung.id)), 'SIGSTOP')
    await driver.start()
    assert.deepEqual((await driver.listGuests()).map(({ power }) => power).sort(), ['running', 'running'])
    assert.equal((await driver.describeHost()).runningGuests, 2)
    await driver.pause(good.id)
    assert.equal((await driver.findGuest(good.id))?.power, 'paused')
    await driver.destroy(hung.id)
    assert.equal(await driver.findGuest(hung.id), undefined)
  })

  test('P21: a guest whose folder is gone runs on, is found by the next process, and can be ended', async (t) => {
    const { driver, folder } = await driverFor(t)
    const { id, ports } = await runningGuest(driver)
    const pid = await pidOf(folder, id)
    await driver.stop()
    await rm(guestFolder(folder, id).dir, { recursive: true })
    await driver.start()
    assert.ok(existsSync(`/proc/${pid}/exe`))
    assert.deepEqual(await driver.listGuests(), [{ id, power: 'running' }])
    await driver.destroy(id)
    assert.ok(!existsSync(`/proc/${pid}/exe`))
    assert.deepEqual(await driver.listGuests(), [])
    // Which taps it had was written in its folder.
    for (const { tap } of ports) await run(['ip', 'link', 'del', tap])
  })

  test('a server that had a disk gets no empty one in its place', async (t) => {
    const { driver } = await driverFor(t)
    const server = desiredServer(randomUUID(), { isBuilt: true })
    await assert.rejects(driver.prepare(server, note), /The disk of the server is not on its host/)
  })

  test('C2: an image that is not what it says never becomes a disk', async (t) => {
    const lie = Buffer.alloc(64 * 1024)
    lie.write('QFI\xfb', 'latin1')
    const { driver, folder } = await driverFor(t, { fetchImage: async () => Readable.from([lie]) })
    const image = { id: randomUUID(), diskFormat: 'raw', properties: {} }
    const server = desiredServer(image.id, { image, ports: [] })
    await assert.rejects(driver.prepare(server, note), (error) => {
      return error instanceof DriverError && error.message.startsWith(`Image ${image.id} is unacceptable: `)
    })
    assert.deepEqual(await readdir(join(folder, '_base')), [])
    await driver.destroy(server.id)
    assert.deepEqual(await readdir(folder), ['_base'])
  })

  test('a full disk is said, and what was begun is gone', async (t) => {
    const small = await mkdtemp(join(tmpdir(), 'nq-full-'))
    await run(['mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small])
    t.after(() => run(['umount', '-l', small]))
    const { driver } = await driverFor(t, { stateDir: join(small, 'guests') })
    const server = desiredServer(randomUUID())
    await assert.rejects(driver.prepare(server, note), (error) => {
      assert.ok(error instanceof DriverError)
      assert.equal(error.message, 'The disk of the server could not be made. The disk of the host is full.')
      assert.match(error.detail, /ENOSPC|No space left/)
      return true
    })
    await driver.destroy(server.id)
    assert.deepEqual(await readdir(join(small, 'guests', '_base')), [])
    assert.deepEqual(await tapsHere(), [])
  })

  test('without QEMU, or with one that does not start, the reason is told', async (t) => {
    const { driver } = await driverFor(t)
    const broken = await mkdtemp(join(tmpdir(), 'nq-broken-'))
    t.after(() => rm(broken, { recursive: true, force: true }))
    await writeFile(join(broken, 'qemu'), '#!/bin/sh\necho "qemu: could not allocate memory" >&2\nexit 1\n', {
      mode: 0o755,
    })
    const server = desiredServer(randomUUID(), { ports: [] })
    await driver.prepare(server, note)
    for (const [cover, detail] of [
      [join(broken, 'qemu'), /could not allocate memory/],
      ['/dev/null', /install the Debian package qemu-system-x86/],
    ] as const) {
      await run(['mount', '--bind', cover, '/usr/bin/qemu-system-x86_64'])
      await assert.rejects(driver.boot(server, note), (error) => {
        assert.ok(error instanceof DriverError)
        assert.equal(error.message, 'The hypervisor could not start the server.')
        assert.match(error.detail, detail)
        return true
      })
      await run(['umount', '/usr/bin/qemu-system-x86_64'])
    }
    await driver.boot(server, note)
  })

  test('a host without KVM emulates, and says so once', async (t) => {
    const { driver, remarks } = await driverFor(t, { virtType: 'auto' })
    await run(['mount', '--bind', '/dev/null', '/dev/kvm'])
    t.after(() => run(['umount', '/dev/kvm']))
    const server = desiredServer(randomUUID(), { ports: [] })
    await driver.prepare(server, note)
    await driver.boot(server, note)
    await driver.reboot(server, 'HARD', note)
    assert.equal(remarks.filter((text) => /^KVM does not work here .*: guests are emulated/.test(text)).length, 1)
  })

  test('D1: a console that is no socket of QEMU is not opened', async (t) => {
    const { driver, folder } = await driverFor(t)
    const server = desiredServer(randomUUID(), { ports: [] })
    await driver.prepare(server, note)
    await driver.boot(server, note)
    const { vnc } = guestFolder(folder, server.id)
    const screen = await driver.openVnc(server.id)
    assert.match(String((await once(screen, 'data'))[0]), /^RFB 003\.00\d\n$/)
    screen.destroy()
    const other = join(folder, 'other.sock')
    const listening = createServer().listen(other)
    t.after(() => listening.close())
    await rm(vnc)
    await run(['ln', '-s', other, vnc])
    await assert.rejects(driver.openVnc(server.id), DriverError)
  })
}

const tapsHere = async () =>
  (await listLinks())
    .filter(({ kind }) => kind === 'tap')
    .map(({ name }) => name)
    .sort()
