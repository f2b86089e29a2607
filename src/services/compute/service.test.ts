import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, FakeAgent, p1, TestCloud, type Tree } from './testing/cloud.ts'
import { imageId, networkId } from './testing/fakes.ts'
import { listEvents } from '../../platform/saga/timeline.ts'

const flavor = { flavor: { name: 'm1.tiny', id: '1', ram: 512, vcpus: 1, disk: 1 } }
const server = (more: object = {}) => ({
  server: { name: 'first', imageRef: imageId, flavorRef: '1', networks: [{ uuid: networkId }], ...more },
})

async function cloudWith(t: TestContext, hosts: string[], config = '') {
  const cloud = new TestCloud()
  writeFileSync(join(cloud.folder, 'nova.conf'), config)
  await cloud.start()
  t.after(() => cloud.stop())
  const agents = hosts.map((host) => new FakeAgent(cloud.bus, host))
  for (const agent of agents) await agent.heartbeat()
  assert.equal((await cloud.call('admin', 'POST', '/flavors', flavor)).status, 200)
  return { cloud, agents }
}

const text = (value: Tree | undefined) => value as unknown as string
const show = async (cloud: TestCloud, id: string) =>
  (await cloud.call('admin', 'GET', `/servers/${id}`)).body['server']!
const until = (cloud: TestCloud, id: string, status: string) =>
  eventually(async () => {
    const now = await show(cloud, id)
    return text(now['status']) === status && (now['OS-EXT-STS:task_state'] as unknown) === null ? now : undefined
  }, `${id} ${status}`)
const create = async (cloud: TestCloud, more: object = {}): Promise<string> => {
  const answer = await cloud.call('demo', 'POST', '/servers', server(more))
  assert.equal(answer.status, 202, JSON.stringify(answer.body))
  return text(answer.body['server']!['id'])
}
const gone = (cloud: TestCloud, id: string) =>
  eventually(async () => (await cloud.call('demo', 'GET', `/servers/${id}`)).status === 404, `${id} is gone`)
const act = async (cloud: TestCloud, id: string, body: object) =>
  cloud.call('demo', 'POST', `/servers/${id}/action`, body)

test('a server is built, acted on and deleted without leftovers', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1'])
  const id = await create(cloud)
  const built = await until(cloud, id, 'ACTIVE')
  assert.equal(text(built['OS-EXT-SRV-ATTR:host']), 'h1')
  assert.equal(cloud.placement.allocations.size, 1)
  assert.equal((built['addresses']!['private'] as unknown as object[]).length, 1)
  assert.equal((await act(cloud, id, { 'os-start': null })).status, 409)
  assert.equal((await act(cloud, id, { 'os-stop': null })).status, 202)
  await until(cloud, id, 'SHUTOFF')
  const refused = await act(cloud, id, { 'os-stop': null })
  assert.equal(
    text(refused.body['conflictingRequest']!['message']),
    `Cannot 'stop' instance ${id} while it is in vm_state stopped`,
  )
  await act(cloud, id, { 'os-start': null })
  await until(cloud, id, 'ACTIVE')
  assert.equal((await act(cloud, id, { reboot: { type: 'SOFT' } })).status, 202)
  await until(cloud, id, 'ACTIVE')
  assert.equal((await act(cloud, id, { pause: null })).status, 202)
  await until(cloud, id, 'PAUSED')
  await act(cloud, id, { unpause: null })
  await until(cloud, id, 'ACTIVE')
  assert.equal((await cloud.call('demo', 'DELETE', `/servers/${id}`)).status, 204)
  await gone(cloud, id)
  assert.equal(cloud.placement.allocations.size + cloud.network.ports.size + agents[0]!.guests.size, 0)
})

test('D9: deleting during the build leaves nothing', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1'])
  agents[0]!.isStuck = true
  const id = await create(cloud)
  await eventually(async () => text((await show(cloud, id))['OS-EXT-STS:task_state']) === 'spawning', 'spawning')
  assert.equal((await cloud.call('demo', 'DELETE', `/servers/${id}`)).status, 204)
  await gone(cloud, id)
  assert.equal(cloud.placement.allocations.size + cloud.network.ports.size, 0)
})

test('a server without a host that can take it is in ERROR and says why', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1'])
  await agents[0]!.heartbeat({ memoryMb: 600 })
  const failed = await until(cloud, await create(cloud), 'ERROR')
  assert.match(
    text(failed['fault']!['message']),
    /^No valid host was found. There are not enough hosts available. placement rejected 1 host/,
  )
  assert.equal(cloud.network.ports.size + cloud.placement.allocations.size, 0)
})

test('D11: what a driver said is for admins; users read its clean sentence', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1'])
  agents[0]!.failure = { message: 'The image is damaged.', detail: 'qemu-img: /var/secret: password' }
  const id = await create(cloud)
  await until(cloud, id, 'ERROR')
  const { body } = await cloud.call('demo', 'GET', `/servers/${id}`)
  assert.equal(text(body['server']!['fault']!['message']), 'The image is damaged.')
  assert.doesNotMatch(JSON.stringify(body), /secret/)
  assert.match(JSON.stringify(await show(cloud, id)), /secret/)
  assert.equal(cloud.network.ports.size + cloud.placement.allocations.size, 0)
})

test('a build goes on after the process was killed, without leftovers', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1'])
  agents[0]!.isStuck = true
  const id = await create(cloud)
  await eventually(async () => text((await show(cloud, id))['OS-EXT-STS:task_state']) === 'spawning', 'spawning')
  const dead = cloud.service
  await cloud.start()
  t.after(() => dead.stop())
  agents[0]!.isStuck = false
  await agents[0]!.look()
  await until(cloud, id, 'ACTIVE')
  await eventually(async () => cloud.network.ports.size === 1, 'one port')
  assert.equal(cloud.placement.allocations.size, 1)
})

for (const cut of ['claim', 'createPort'] as const) {
  test(`a process killed right after ${cut} leaves neither two of it nor a hanging server`, async (t) => {
    const { cloud } = await cloudWith(t, ['h1'])
    const api: Record<string, unknown> = (cut === 'claim' ? cloud.placement : cloud.network) as never
    const original = (api[cut] as (...values: unknown[]) => Promise<unknown>).bind(api)
    let isDead = false
    api[cut] = async (...values: unknown[]) => {
      const result = await original(...values)
      if (isDead) return result
      isDead = true
      return new Promise(() => undefined)
    }
    const id = await create(cloud)
    await eventually(async () => isDead, 'cut')
    await cloud.start() // the dead service never gets its answer
    await until(cloud, id, 'ACTIVE')
    assert.deepEqual([cloud.network.ports.size, cloud.placement.allocations.size], [1, 1])
    await cloud.call('demo', 'DELETE', `/servers/${id}`)
    await gone(cloud, id)
    assert.deepEqual([cloud.network.ports.size, cloud.placement.allocations.size], [0, 0])
  })
}

test('D9: a delete goes on after the process was killed', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1'])
  const id = await create(cloud)
  await until(cloud, id, 'ACTIVE')
  const original = cloud.network.deletePort.bind(cloud.network)
  let isDead = false
  cloud.network.deletePort = async (port) =>
    isDead ? original(port) : ((isDead = true), new Promise<void>(() => undefined))
  await cloud.call('demo', 'DELETE', `/servers/${id}`)
  await eventually(async () => isDead, 'cut')
  await cloud.start()
  await gone(cloud, id)
  assert.deepEqual([cloud.network.ports.size, cloud.placement.allocations.size, agents[0]!.guests.size], [0, 0, 0])
})

test('D9: a deleted server does not wait for a host that is down, which removes the guest when it comes back', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1'])
  const id = await create(cloud)
  await until(cloud, id, 'ACTIVE')
  agents[0]!.stop()
  const services = (await cloud.call('admin', 'GET', '/os-services?binary=nova-compute')).body[
    'services'
  ] as unknown as { id: string }[]
  assert.equal((await cloud.call('admin', 'PUT', `/os-services/${services[0]!.id}`, { forced_down: true })).status, 200)
  await cloud.call('demo', 'DELETE', `/servers/${id}`)
  await gone(cloud, id)
  assert.deepEqual([cloud.network.ports.size, cloud.placement.allocations.size, agents[0]!.guests.size], [0, 0, 1])
  await agents[0]!.look()
  assert.equal(agents[0]!.guests.size, 0)
})

test('a port that the user brought survives its server', async (t) => {
  const { cloud } = await cloudWith(t, ['h1'])
  const port = await cloud.network.createPort({ networkId, projectId: p1, deviceId: '', deviceOwner: '', hostId: '' })
  const id = await create(cloud, { networks: [{ port: port.id }] })
  await until(cloud, id, 'ACTIVE')
  assert.equal(cloud.network.ports.get(port.id)!.deviceId, id)
  assert.equal((await cloud.call('demo', 'POST', '/servers', server({ networks: [{ port: port.id }] }))).status, 409)
  await cloud.call('demo', 'DELETE', `/servers/${id}`)
  await gone(cloud, id)
  assert.equal(cloud.network.ports.get(port.id)!.deviceId, '')
})

test('B11: quotas are exact under 50 parallel creates', async (t) => {
  const { cloud } = await cloudWith(t, ['h1'])
  const answers = await Promise.all(Array.from({ length: 50 }, () => cloud.call('demo', 'POST', '/servers', server())))
  assert.equal(answers.filter(({ status }) => status === 202).length, 10)
  const refused = answers.filter(({ status }) => status === 403)
  assert.equal(refused.length, 40)
  assert.equal(
    text(refused[0]!.body['forbidden']!['message']),
    'Quota exceeded for instances: Requested 1, but already used 10 of 10 instances',
  )
})

test('a guest that powers itself off becomes SHUTOFF', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1'])
  const id = await create(cloud)
  await until(cloud, id, 'ACTIVE')
  await agents[0]!.happens(id, 'shutdown')
  await until(cloud, id, 'SHUTOFF')
})

test('B5, B9: the servers of another project do not exist, readers do not write', async (t) => {
  const { cloud } = await cloudWith(t, ['h1'])
  const id = await create(cloud)
  await until(cloud, id, 'ACTIVE')
  assert.equal((await cloud.call('other', 'GET', `/servers/${id}`)).status, 404)
  assert.equal((await cloud.call('other', 'DELETE', `/servers/${id}`)).status, 404)
  assert.equal((await cloud.call('other', 'POST', `/servers/${id}/action`, { 'os-stop': null })).status, 404)
  assert.equal((await cloud.call('reader', 'GET', `/servers/${id}`)).status, 200)
  assert.equal((await cloud.call('reader', 'DELETE', `/servers/${id}`)).status, 403)
  assert.equal((await cloud.call('other', 'GET', '/servers?all_tenants=1')).status, 403)
})

test('a build that fails on one host goes to another, with its ports and its claim', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1', 'h2'])
  const [broken, good] = agents as [FakeAgent, FakeAgent]
  await good.heartbeat({ memoryMb: 32768 }) // the other one is tried first
  broken.failure = { message: 'No.', detail: 'broken' }
  const id = await create(cloud)
  const built = await until(cloud, id, 'ACTIVE')
  assert.equal(text(built['OS-EXT-SRV-ATTR:host']), 'h2')
  assert.equal(built['fault'], undefined)
  assert.deepEqual([broken.guests.size, good.guests.size], [0, 1])
  assert.deepEqual([cloud.network.ports.size, cloud.placement.allocations.size], [1, 1])
  assert.equal([...cloud.network.ports.values()][0]!.hostId, 'h2')
  const story = (await listEvents(cloud.service.deps.database.db, id)).map(
    ({ what, detail }) => `${what}: ${detail ?? ''}`,
  )
  assert.ok(story.includes('h1 could not start it: No. broken'), story.join('\n'))
  assert.ok(story.includes('another host chosen: h2'))
})

test('a build that no host can start ends in ERROR after max_attempts hosts, and says what the last one said', async (t) => {
  const config = '[scheduler]\nmax_attempts = 2\n'
  const { cloud, agents } = await cloudWith(t, ['h1', 'h2', 'h3'], config)
  for (const agent of agents) agent.failure = { message: 'No.', detail: `${agent.host} is broken` }
  const id = await create(cloud)
  const failed = await until(cloud, id, 'ERROR')
  assert.equal(
    text(failed['fault']!['message']),
    `Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance ${id}.`,
  )
  assert.match(text(failed['fault']!['details']), /^The last host said: No\. h\d is broken/)
  assert.deepEqual([cloud.network.ports.size, cloud.placement.allocations.size], [0, 0])
  assert.equal(
    agents.reduce((sum, agent) => sum + agent.guests.size, 0),
    0,
  )
})

test('what would fail on every host is not tried on another', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1', 'h2'])
  for (const agent of agents) agent.failure = { message: `${agent.host}: bad image`, detail: '', isEverywhere: true }
  const failed = await until(cloud, await create(cloud), 'ERROR')
  assert.match(text(failed['fault']!['message']), /^h\d: bad image$/)
})

test('a build that was moved goes on where it was after the process was killed', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1', 'h2'])
  const [broken, good] = agents as [FakeAgent, FakeAgent]
  await good.heartbeat({ memoryMb: 32768 })
  broken.failure = { message: 'No.', detail: 'broken' }
  good.isStuck = true
  const id = await create(cloud)
  await eventually(async () => text((await show(cloud, id))['OS-EXT-SRV-ATTR:host']) === 'h2', 'h2')
  const dead = cloud.service
  await cloud.start()
  t.after(() => dead.stop())
  good.isStuck = false
  await good.look()
  assert.equal(text((await until(cloud, id, 'ACTIVE'))['OS-EXT-SRV-ATTR:host']), 'h2')
  assert.deepEqual([cloud.network.ports.size, cloud.placement.allocations.size], [1, 1])
})

test('ports that nobody wires end the build with their ids', async (t) => {
  const { cloud } = await cloudWith(t, ['h1', 'h2'], '[DEFAULT]\nvif_plugging_timeout = 1\n')
  cloud.network.status = 'DOWN'
  const id = await create(cloud)
  const failed = await until(cloud, id, 'ERROR')
  assert.equal(
    text(failed['fault']!['message']),
    `Build of instance ${id} aborted: Failed to allocate the network(s), not rescheduling.`,
  )
  assert.match(text(failed['fault']!['details']), /^h\d did not wire [0-9a-f-]{36} within 1 s/)
  assert.deepEqual([cloud.network.ports.size, cloud.placement.allocations.size], [0, 0])
})

const plugged = (server_uuid: string, tag: string, status: 'completed' | 'failed') => ({
  events: [{ name: 'network-vif-plugged', server_uuid, tag, status }],
})

test('a port that neutron cannot wire ends the build at once, and another host is not tried', async (t) => {
  const { cloud } = await cloudWith(t, ['h1', 'h2'])
  cloud.network.status = 'DOWN'
  const id = await create(cloud)
  const port = await eventually(async () => [...cloud.network.ports.values()][0], 'port')
  await eventually(async () => text((await show(cloud, id))['OS-EXT-STS:task_state']) === 'spawning', 'spawning')
  await cloud.call('admin', 'POST', '/os-server-external-events', plugged(id, port.id, 'failed'))
  const failed = await until(cloud, id, 'ERROR')
  assert.match(text(failed['fault']!['message']), /Failed to allocate the network\(s\), not rescheduling/)
  assert.match(text(failed['fault']!['details']), /agents on h\d cannot wire port [0-9a-f-]{36}/)
  assert.deepEqual([cloud.network.ports.size, cloud.placement.allocations.size], [0, 0])
})

test("neutron's word may come before nova has its answer about the port", async (t) => {
  const { cloud } = await cloudWith(t, ['h1'])
  cloud.network.status = 'DOWN'
  const createPort = cloud.network.createPort.bind(cloud.network)
  cloud.network.createPort = async (asked) => {
    const port = await createPort(asked)
    const answer = await cloud.call(
      'admin',
      'POST',
      '/os-server-external-events',
      plugged(asked.deviceId, port.id, 'completed'),
    )
    assert.equal(answer.status, 207, 'the server has no host yet')
    return port
  }
  cloud.network.listPorts = () => Promise.reject(new Error('nobody should need to ask'))
  await until(cloud, await create(cloud), 'ACTIVE')
})

test("neutron's word may be lost: it is asked for", async (t) => {
  const { cloud } = await cloudWith(t, ['h1'])
  cloud.network.status = 'DOWN'
  const id = await create(cloud)
  const port = await eventually(async () => [...cloud.network.ports.values()][0], 'port')
  await eventually(async () => text((await show(cloud, id))['OS-EXT-STS:task_state']) === 'spawning', 'spawning')
  cloud.network.ports.set(port.id, { ...port, status: 'ACTIVE' })
  await until(cloud, id, 'ACTIVE')
})

test('a clock that is set two hours ahead takes no host down and ends no build', { timeout: 60_000 }, async (t) => {
  const { cloud } = await cloudWith(t, ['h1'])
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 7_200_000 })
  const { body } = await cloud.call('admin', 'GET', '/os-services')
  const services = body['services'] as unknown as { state: string }[]
  assert.deepEqual(new Set(services.map((service) => service.state)), new Set(['up']))
  await until(cloud, await create(cloud), 'ACTIVE')
})
