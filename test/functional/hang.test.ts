import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { login } from '../api.ts'
import { createTestCloud } from '../cloud.ts'

test('a control process that stands still is ended and started again, and the cloud goes on', async (t) => {
  const cloud = await createTestCloud({ args: ['--fake'] })
  t.after(() => cloud.destroy())
  await cloud.up()
  const before = await login(cloud, 'demo')
  const made = await before.call('network', 'POST', '/v2.0/networks', { network: { name: 'kept' } })
  assert.equal(made.status, 201)
  const log = join(cloud.stateDir, 'log', 'up.log')
  appendFileSync(log, 'last words of many processes\n'.repeat(50_000))
  await cloud.stopAndRecover('control')
  assert.match(
    readFileSync(log, 'utf8'),
    /^nephos: the control process ended/,
    'what was there before is in the backup',
  )
  assert.equal(statSync(`${log}.0`).size, 1 << 20)
  const { status, body } = await before.call<{ networks: object[] }>('network', 'GET', '/v2.0/networks?name=kept')
  assert.deepEqual([status, body.networks.length], [200, 1])
  assert.equal((await before.call('compute', 'GET', '/v2.1/servers')).status, 200)
})
