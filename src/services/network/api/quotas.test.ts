import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestNetwork, type Item, type TestNetwork } from '../testing/service.ts'
import { extensions } from './extensions.ts'

let net: TestNetwork
before(async () => {
  net = await createTestNetwork('[QUOTAS]\nquota_router = 3\n')
})
after(() => net.close())

test('quotas: own ones are everybody’s to read, all others’ are the administrator’s', async () => {
  const own = await net.make('reader@one', 'GET', '/quotas/one')
  assert.deepEqual([own['router'], own['network'], own['subnetpool']], [3, 100, -1])
  assert.equal((await net.refused(403, 'member@two', 'GET', '/quotas/one')).type, 'PolicyNotAuthorized')
  assert.equal(
    (await net.refused(403, 'member@one', 'PUT', '/quotas/one', { quota: { router: 9 } })).type,
    'PolicyNotAuthorized',
  )
  const changed = await net.make('admin@ops', 'PUT', '/quotas/one', { quota: { router: '9' } })
  assert.equal(changed['router'], 9)
  assert.equal((await net.make('reader@one', 'GET', '/quotas/one/default'))['router'], 3)
  const listed = (await net.send('admin@ops', 'GET', '/v2.0/quotas')).body['quotas'] as Item[]
  assert.deepEqual(
    listed.map((each) => each['project_id']),
    ['one'],
  )
  await net.make('admin@ops', 'DELETE', '/quotas/one')
  assert.equal((await net.refused(404, 'admin@ops', 'DELETE', '/quotas/one')).type, 'TenantQuotaNotFound')
  assert.deepEqual((await net.send('member@one', 'GET', '/v2.0/quotas/tenant')).body, { tenant: { tenant_id: 'one' } })
})

test('details tell what is used; check_limit refuses less than that', async () => {
  await net.make('member@used', 'POST', '/networks', { network: {} })
  for (const path of ['details', 'details.json']) {
    const details = await net.make('member@used', 'GET', `/quotas/used/${path}`)
    assert.deepEqual(details['network'], { limit: 100, used: 1, reserved: 0 })
  }
  const less = { quota: { network: 0, check_limit: true } }
  assert.equal((await net.refused(409, 'admin@ops', 'PUT', '/quotas/used', less)).type, 'InvalidQuotaValue')
  await net.make('admin@ops', 'PUT', '/quotas/used', { quota: { network: 0 } })
  const unknown = await net.refused(400, 'admin@ops', 'PUT', '/quotas/used', { quota: { coffee: 1 } })
  assert.equal(unknown.message, "Unrecognized attribute(s) 'coffee'")
  assert.equal((await net.send('admin@ops', 'PUT', '/v2.0/quotas/used', { quota: { network: -2 } })).status, 400)
})

test('every extension is listed once and shown by its alias', async () => {
  const listed = (await net.send('reader@one', 'GET', '/v2.0/extensions')).body['extensions'] as unknown as {
    alias: string
  }[]
  assert.deepEqual(
    listed.map(({ alias }) => alias),
    extensions.map(([alias]) => alias),
  )
  assert.equal(new Set(listed.map(({ alias }) => alias)).size, listed.length)
  const shown = (await net.send('reader@one', 'GET', '/v2.0/extensions/router')).body['extension'] as Item
  assert.equal(shown['name'], 'Neutron L3 Router')
  assert.equal((await net.send('reader@one', 'GET', '/v2.0/extensions/qos')).status, 404)
})

test('agents and zones: administrators see them, others find none', async () => {
  const agents = (await net.send('admin@ops', 'GET', '/v2.0/agents?agent_type=L3%20agent')).body['agents'] as Item[]
  assert.equal(agents.length, 1)
  assert.deepEqual((await net.send('member@one', 'GET', '/v2.0/agents')).body['agents'], [])
  assert.equal((await net.refused(404, 'member@one', 'GET', `/agents/${agents[0]!.id}`)).type, 'AgentNotFound')
  const off = await net.make('admin@ops', 'PUT', `/agents/${agents[0]!.id}`, { agent: { admin_state_up: 'false' } })
  assert.equal(off['admin_state_up'], false)
  const zones = (await net.send('member@one', 'GET', '/v2.0/availability_zones?resource=router')).body[
    'availability_zones'
  ]
  assert.deepEqual(zones, [{ name: 'nova', resource: 'router', state: 'unavailable' }])
  const providers = (await net.send('member@one', 'GET', '/v2.0/service-providers')).body['service_providers']
  assert.deepEqual(providers, [{ service_type: 'L3_ROUTER_NAT', name: 'single_node', default: true }])
})
