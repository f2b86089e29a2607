/** What every driver must do, whatever is below it: each driver's own test runs this. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import type { DesiredServer } from '../rpc/conductor.ts'
import { DriverError, type ComputeDriver, type Power } from './driver.ts'

export interface DriverUnderTest {
  name: string
  create(stateDir: string): ComputeDriver
  /** As if the guest ended by itself. */
  end(driver: ComputeDriver, stateDir: string, id: string): Promise<void>
  imageId: string
}

/** A server as nova wants it, with one network interface. */
export function desiredServer(imageId: string, changes: Partial<DesiredServer> = {}): DesiredServer {
  const id = randomUUID()
  return {
    id,
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
    extraSpecs: {},
    ports: [desiredPort()],
    configDrive: null,
    isDeleted: false,
    isBuilt: false,
    requestId: null,
    ...changes,
  }
}

let ports = 0

export function desiredPort(): DesiredServer['ports'][number] {
  const id = randomUUID()
  const mac = `fa:16:3e:00:00:${(++ports).toString(16).padStart(2, '0')}`
  return { id, mac, networkId: randomUUID(), mtu: 1450, isActive: true, tap: `tap${id.slice(0, 11)}` }
}

const note = () => {}

/** Registers the tests. */
export function driverSuite({ name, create, end, imageId }: DriverUnderTest): void {
  test(`${name}: a guest from its first moment to its last`, async (t) => {
    const stateDir = await mkdtemp(join(tmpdir(), 'nd-'))
    let driver = create(join(stateDir, 'guests'))
    const server = desiredServer(imageId)
    const { id } = server
    t.after(async () => {
      await driver.destroy(id)
      await driver.stop()
      await rm(stateDir, { recursive: true, force: true })
    })
    const is = async (power: Power | undefined) => assert.equal((await driver.findGuest(id))?.power, power)

    await t.test('a host that never ran anything has no guests', async () => {
      assert.deepEqual(await driver.listGuests(), [])
      await driver.start()
      assert.deepEqual(await driver.listGuests(), [])
      await is(undefined)
      await assert.rejects(driver.consoleOutput(id, null), DriverError)
    })
    await t.test('prepared it exists and does not run; booted it runs; both may be asked for twice', async () => {
      await driver.prepare(server, note)
      await driver.prepare(server, note)
      await is('shutdown')
      await assert.rejects(driver.pause(id), DriverError)
      await assert.rejects(driver.openVnc(id), DriverError)
      await driver.boot(server, note)
      await driver.boot(server, note)
      await is('running')
      assert.equal((await driver.describeHost()).runningGuests, 1)
      assert.equal(typeof (await driver.consoleOutput(id, 1)), 'string')
    })
    await t.test('its screen speaks VNC to whoever it is opened for', async () => {
      const screen = await driver.openVnc(id)
      const [banner] = (await once(screen, 'data')) as [Buffer]
      assert.match(banner.toString('latin1'), /^RFB 003\.00\d\n$/)
      screen.destroy()
    })
    await t.test('it pauses, and another process finds it so', async () => {
      await driver.pause(id)
      await is('paused')
      await driver.stop()
      driver = create(join(stateDir, 'guests'))
      await driver.start()
      assert.deepEqual(await driver.listGuests(), [{ id, power: 'paused' }])
      await driver.unpause(id)
      await is('running')
    })
    await t.test('paused, it is shut down without being asked first', async () => {
      await driver.pause(id)
      await driver.shutDown(id, note)
      await is('shutdown')
      await driver.shutDown(id, note)
    })
    await t.test('it is rebooted the hard way', async () => {
      await driver.prepare(server, note)
      await driver.boot(server, note)
      await driver.reboot(server, 'HARD', note)
      await is('running')
    })
    await t.test('its interfaces stay as they are when nothing changed', async () => {
      await driver.updatePorts(server, note)
      await is('running')
    })
    await t.test('that it ended by itself is told', async () => {
      const told: string[] = []
      driver.onChange((each) => told.push(each))
      await end(driver, join(stateDir, 'guests'), id)
      await waitFor(() => told.includes(id), { what: 'the word', timeoutMs: 10_000 })
      await waitFor(async () => (await driver.findGuest(id))?.power === 'shutdown', { what: 'end', timeoutMs: 10_000 })
    })
    await t.test('destroyed nothing is left of it; that may be asked for twice', async () => {
      await driver.prepare(server, note)
      await driver.boot(server, note)
      await driver.destroy(id)
      await driver.destroy(id)
      await is(undefined)
      assert.deepEqual(await driver.listGuests(), [])
    })
  })
}
