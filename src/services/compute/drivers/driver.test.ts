/** The suite of all drivers on the fake one; the real one passes it in qemu/driver.system.test.ts. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { driverSuite, desiredServer } from './driver-suite.ts'
import { DriverError } from './driver.ts'
import { FakeDriver } from './fake/driver.ts'

driverSuite({
  name: 'fake',
  imageId: randomUUID(),
  create: (stateDir) => new FakeDriver({ host: 'h', stateDir }),
  end: async (driver, _stateDir, id) => (driver as FakeDriver).powerOff(id),
})

test('the fake driver fails where it is told to, once', async (t) => {
  const stateDir = await mkdtemp(join(tmpdir(), 'nf-'))
  t.after(() => rm(stateDir, { recursive: true }))
  const driver = new FakeDriver({ host: 'h', stateDir })
  await driver.start()
  const server = desiredServer(randomUUID())
  driver.failNext('boot', 'no electricity')
  await driver.prepare(server)
  await assert.rejects(
    driver.boot(server, () => {}),
    (error) => error instanceof DriverError && error.detail === 'no electricity',
  )
  await driver.boot(server, () => {})
})
