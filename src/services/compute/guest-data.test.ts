/** What guests get of a whole nova: config drives that stay the same, and the passwords that guests tell. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { rpcClient } from '../../platform/rpc/contract.ts'
import { conductorContract, type DesiredServer } from './rpc/conductor.ts'
import { eventually, FakeAgent, p1, TestCloud, type Tree } from './testing/cloud.ts'
import { imageId, networkId } from './testing/fakes.ts'
import { getGuestPassword, getServerMetadata, setGuestPassword } from './operations/server-metadata.ts'

const text = (value: Tree | undefined) => value as unknown as string

async function cloudWith(t: TestContext, config = '') {
  const cloud = new TestCloud()
  writeFileSync(join(cloud.folder, 'nova.conf'), config)
  await cloud.start()
  t.after(() => cloud.stop())
  await new FakeAgent(cloud.bus, 'h1').heartbeat()
  const flavor = { name: 'm1.tiny', id: '1', ram: 64, vcpus: 1, disk: 1 }
  assert.equal((await cloud.call('admin', 'POST', '/flavors', { flavor })).status, 200)
  return cloud
}

async function build(cloud: TestCloud, status: string, more: object = {}): Promise<{ id: string; server: Tree }> {
  const server = { name: 'first', imageRef: imageId, flavorRef: '1', networks: [{ uuid: networkId }], ...more }
  const answer = await cloud.call('demo', 'POST', '/servers', { server })
  assert.equal(answer.status, 202, JSON.stringify(answer.body))
  const id = text(answer.body['server']!['id'])
  return await eventually(async () => {
    const now = (await cloud.call('admin', 'GET', `/servers/${id}`)).body['server']!
    return text(now['status']) === status ? { id, server: now } : undefined
  }, status)
}

/** The drive as the server's host would make it now. */
async function driveOf(cloud: TestCloud, id: string) {
  const conductor = rpcClient(cloud.bus.forHost('h1'), conductorContract)
  const { servers } = await conductor.pullServers(null, { host: 'h1', ids: [id] })
  return servers[0]!.configDrive
}

const on = (drive: DesiredServer['configDrive'], path: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(drive!.contents[drive!.files[path]!]!, 'base64').toString()) as Record<string, unknown>

test('a config drive is the same at every look, and another for every server', async (t) => {
  const cloud = await cloudWith(t, '[api]\ndhcp_domain = example.org\n[DEFAULT]\nforce_config_drive = true\n')
  const [first, second] = [await build(cloud, 'ACTIVE'), await build(cloud, 'ACTIVE')]
  const drive = await driveOf(cloud, first.id)
  assert.equal(drive?.format, 'iso9660')
  assert.deepEqual(await driveOf(cloud, first.id), drive)
  const path = 'openstack/latest/meta_data.json'
  const seed = String(on(drive, path)['random_seed'])
  assert.equal(Buffer.from(seed, 'base64').length, 512)
  assert.notEqual(on(await driveOf(cloud, second.id), path)['random_seed'], seed)
  assert.equal(on(drive, path)['hostname'], 'first.example.org')
  assert.equal(drive?.files['ec2/1.0/meta-data.json'], undefined)
  // The service has the same, but another seed each time.
  const { server, sources } = (await getServerMetadata(cloud.service.deps, first.id, p1))!
  assert.equal(server.hostname, 'first.example.org')
  assert.notEqual(sources.randomSeed(), sources.randomSeed())
})

test('an image may want a config drive', async (t) => {
  const cloud = await cloudWith(t)
  cloud.image.properties = { img_config_drive: 'mandatory' }
  const { id, server } = await build(cloud, 'ACTIVE')
  assert.equal(text(server['config_drive']), 'True')
  assert.ok(await driveOf(cloud, id))
})

test('vendordata are asked once for a drive; a program that must answer and does not fails the build', async (t) => {
  let asked = 0
  const program = createServer((request, response) => {
    if (request.url === '/gone') return void request.socket.destroy()
    asked++
    response.end(JSON.stringify({ count: asked }))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => program.once('listening', resolve))
  t.after(() => (program.closeAllConnections(), program.close()))
  const url = `http://127.0.0.1:${(program.address() as AddressInfo).port}`
  const targets = (path: string) =>
    `[api]\nvendordata_providers = StaticJSON,DynamicJSON\nvendordata_dynamic_targets = a@${url}${path}\n`
  const cloud = await cloudWith(t, targets('/'))
  const { id } = await build(cloud, 'ACTIVE', { config_drive: true })
  for (let look = 0; look < 2; look++) {
    const found = on(await driveOf(cloud, id), 'openstack/latest/vendor_data2.json')
    assert.deepEqual(found, { static: {}, a: { count: 1 } })
  }
  assert.equal(asked, 1)
  const strict = await cloudWith(t, `${targets('/gone')}vendordata_dynamic_failure_fatal = true\n`)
  const { server } = await build(strict, 'ERROR', { config_drive: true })
  assert.match(text(server['fault']!['message']), /config drive/)
  assert.match(text(server['fault']!['details']), /\/gone/)
  await build(strict, 'ACTIVE')
})

test('the password that a guest told is read and cleared by its project, and goes with the server', async (t) => {
  const cloud = await cloudWith(t)
  const { id } = await build(cloud, 'ACTIVE')
  const path = `/servers/${id}/os-server-password`
  const password = async (who = 'demo') => (await cloud.call(who, 'GET', path)).body['password']
  assert.equal(await password(), '')
  const both = await Promise.all(['one', 'two'].map((each) => setGuestPassword(cloud.service.deps, id, each)))
  assert.deepEqual(both.toSorted(), [false, true], 'whoever was faster')
  assert.equal(await setGuestPassword(cloud.service.deps, id, ''), false)
  assert.equal(await password('reader'), both[0] ? 'one' : 'two')
  assert.equal((await cloud.call('other', 'GET', path)).status, 404)
  assert.equal((await cloud.call('reader', 'DELETE', path)).status, 403)
  assert.equal((await cloud.call('demo', 'DELETE', path)).status, 204)
  assert.equal(await password(), '')
  assert.equal(await setGuestPassword(cloud.service.deps, id, 'again'), true)
  assert.equal((await cloud.call('demo', 'DELETE', `/servers/${id}`)).status, 204)
  await eventually(async () => (await cloud.call('demo', 'GET', path)).status === 404, 'the end')
  assert.equal(await getGuestPassword(cloud.service.deps, id), '')
})

test('an image property that means nothing is told to who asks for a server', async (t) => {
  const cloud = await cloudWith(t)
  cloud.image.properties = { hw_vif_model: 'bogus' }
  const server = { name: 'first', imageRef: imageId, flavorRef: '1', networks: 'none' }
  const { status, body } = await cloud.call('demo', 'POST', '/servers', { server })
  assert.equal(status, 400)
  assert.match(
    text(body['badRequest']!['message']),
    /^Invalid image metadata\. Error: hw_vif_model=bogus is not one of/,
  )
  cloud.image.properties = { hw_vif_model: 'igb' }
  await build(cloud, 'ACTIVE')
})
