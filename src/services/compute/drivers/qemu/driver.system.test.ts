/** A real guest, in a network namespace of its own: the test runs itself again through `unshare -n`. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { waitFor } from '../../../../base/wait.ts'
import { listLinks } from '../../../../host/links.ts'
import type { Logger } from '../../../../platform/log/log.ts'
import { buildGuestImage } from '../../../../../guest/build.mjs'
import type { DesiredServer } from '../../rpc/conductor.ts'
import { QemuDriver } from './driver.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const inside = process.env.NEPHOS_TEST_NETNS === '1'

function desired(imageId: string): DesiredServer {
  const meta = Buffer.from(JSON.stringify({ uuid: randomUUID(), hostname: 'tiny', name: 'tiny' })).toString('base64')
  const port = { id: randomUUID(), mac: 'fa:16:3e:00:00:01', networkId: randomUUID(), mtu: 1450, isActive: true }
  return {
    id: randomUUID(),
    revision: 1,
    projectId: 'p',
    name: 'a,b" -monitor stdio',
    power: 'running',
    reboot: { generation: 0, type: 'SOFT' },
    vcpus: 1,
    memoryMb: 128,
    rootGb: 1,
    ephemeralGb: 0,
    swapMb: 0,
    image: { id: imageId, diskFormat: 'qcow2', properties: {} },
    ports: [{ ...port, tap: 'tapnephos001' }],
    configDrive: { 'openstack/latest/meta_data.json': meta },
    requestId: null,
  }
}

test('runs in a namespace of its own', { skip: inside }, async () => {
  // Out here, where packages can be fetched; inside it is found as built.
  await buildGuestImage()
  const env: NodeJS.ProcessEnv = { ...process.env, NEPHOS_TEST_NETNS: '1' }
  delete env.NODE_TEST_CONTEXT
  const run = spawnSync('unshare', ['-n', process.execPath, '--test', import.meta.filename], { env, encoding: 'utf8' })
  assert.equal(run.status, 0, run.stdout + run.stderr)
})

test('a guest lives from boot to destruction', { skip: !inside }, async (t) => {
  const image = await buildGuestImage()
  const stateDir = await mkdtemp(join(tmpdir(), 'nq-'))
  const options = {
    host: 'h',
    stateDir,
    log: silent,
    virtType: 'qemu' as const,
    fetchImage: async () => createReadStream(image),
  }
  const server = desired(randomUUID())
  let driver = new QemuDriver(options)
  t.after(async () => {
    await driver.destroy(server.id)
    await driver.stop()
    await rm(stateDir, { recursive: true, force: true })
  })
  const power = async () => (await driver.findGuest(server.id))?.power
  const started = Date.now()
  const note = (what: string, at: number) => t.diagnostic(`${what}: ${Date.now() - at} ms`)

  await driver.start()
  await driver.prepare(server, note)
  await driver.boot(server, note)
  assert.equal(await power(), 'running')
  await driver.pause(server.id)
  assert.equal(await power(), 'paused')
  await driver.stop()
  driver = new QemuDriver(options)
  await driver.start()
  assert.deepEqual(await driver.listGuests(), [{ id: server.id, power: 'paused' }])
  await driver.unpause(server.id)
  assert.equal(await power(), 'running')

  const atLogin = async () => (await driver.consoleOutput(server.id, null)).includes('login:') || undefined
  await waitFor(atLogin, { what: 'login', timeoutMs: 120_000, intervalMs: 200 })
  t.diagnostic(`login: ${Date.now() - started} ms`)
  await driver.shutDown(server.id, note)
  assert.equal(await power(), 'shutdown')
  await driver.prepare(server, note)
  await driver.boot(server, note)
  assert.equal(await power(), 'running')

  await driver.destroy(server.id)
  await driver.destroy(server.id)
  assert.equal(await power(), undefined)
  assert.deepEqual(await readdir(stateDir), ['_base'])
  assert.deepEqual(
    (await listLinks()).filter(({ kind }) => kind === 'tap'),
    [],
  )
})
