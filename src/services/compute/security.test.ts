/** Rules of the security checklist that are compute's, on a whole nova with everything around it in memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../platform/db/database.ts'
import { testDatabaseUrl } from '../../platform/db/testing.ts'
import { rpcClient } from '../../platform/rpc/contract.ts'
import { conductorContract } from './rpc/conductor.ts'
import type { ComputeSchema } from './store/tables.ts'
import { eventually, FakeAgent, p2, TestCloud } from './testing/cloud.ts'
import { networkId } from './testing/fakes.ts'
import { active, cloudWith, flavor, post, reaches, show, text, wanted } from './testing/stories.ts'
import { openConsole } from './operations/consoles.ts'

/** Asks both ways of getting a card: with a new server, and for one that runs. */
async function bothRefuse(cloud: TestCloud, id: string, boot: object, attach: object, status: RegExp): Promise<void> {
  const ports = cloud.network.ports.size
  const made = await post(cloud, { networks: [boot] })
  assert.match(String(made.status), status, `boot: ${JSON.stringify(made.body)}`)
  const got = await cloud.call('demo', 'POST', `/servers/${id}/os-interface`, { interfaceAttachment: attach })
  assert.match(String(got.status), status, `attach: ${JSON.stringify(got.body)}`)
  assert.equal(cloud.network.ports.size, ports, 'no port was made')
}

test('B6: a port of another project is no port for a server, also where its network’s owner sees it', async (t) => {
  const { cloud } = await cloudWith(t)
  const id = await active(cloud)
  const asked = { networkId, projectId: p2, deviceId: '', deviceOwner: '', hostId: '' }
  const port = await cloud.network.createPort(asked)
  await bothRefuse(cloud, id, { port: port.id }, { port_id: port.id }, /^400$/)
  assert.equal(cloud.network.ports.get(port.id)!.deviceId, '')
})

test('B6: an external network gives no cards to servers, by either way', async (t) => {
  const { cloud } = await cloudWith(t)
  const id = await active(cloud)
  const [own] = await cloud.network.listNetworks()
  cloud.network.listNetworks = async () => [{ ...own!, projectId: p2, isExternal: true }]
  await bothRefuse(cloud, id, { uuid: networkId }, { net_id: networkId }, /^403$/)
})

test('B6: addresses on a shared network are chosen by its owner, not by its guests', async (t) => {
  const { cloud } = await cloudWith(t)
  const id = await active(cloud)
  const [own] = await cloud.network.listNetworks()
  cloud.network.listNetworks = async () => [{ ...own!, projectId: p2, isShared: true }]
  const fixed_ips = [{ ip_address: '10.0.0.77' }]
  await bothRefuse(cloud, id, { uuid: networkId, fixed_ip: '10.0.0.77' }, { net_id: networkId, fixed_ips }, /^403$/)
  assert.equal((await post(cloud)).status, 202, 'an address of its own it may have')
})

test('B6: ids in a body that are not the caller’s own make nothing', async (t) => {
  const { cloud } = await cloudWith(t)
  const group = await cloud.call('other', 'POST', '/os-server-groups', {
    server_group: { name: 'g', policy: 'affinity' },
  })
  const flavorOf = { ...flavor, name: 'theirs', id: 'theirs', 'os-flavor-access:is_public': false }
  await cloud.call('admin', 'POST', '/flavors', { flavor: flavorOf })
  await cloud.call('admin', 'POST', '/flavors/theirs/action', { addTenantAccess: { tenant: p2 } })
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHdSdGl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5 me'
  await cloud.call('other', 'POST', '/os-keypairs', { keypair: { name: 'theirs', public_key: key } })
  const nothing = '99999999-9999-4999-8999-999999999999'
  const bodies: object[] = [
    { ...wanted(), 'os:scheduler_hints': { group: text(group.body['server_group']!['id']) } },
    wanted({ flavorRef: 'theirs' }),
    wanted({ key_name: 'theirs' }),
    wanted({ imageRef: nothing }),
    wanted({ networks: [{ uuid: nothing }] }),
    wanted({ networks: [{ port: nothing }] }),
    wanted({ security_groups: [{ name: nothing }] }),
  ]
  cloud.network.listNetworks = async () => []
  for (const body of bodies) {
    const { status } = await cloud.call('demo', 'POST', '/servers', body)
    assert.equal(status, 400, JSON.stringify(body))
  }
  assert.deepEqual(Object.values((await cloud.call('demo', 'GET', '/servers')).body['servers']!), [])
})

test('B6: a port of another project that names a server as its device is neither taken nor deleted for it', async (t) => {
  const { cloud, agents } = await cloudWith(t)
  agents[0]!.isStuck = true
  const { body } = await post(cloud)
  const id = text(body['server']!['id'])
  await eventually(async () => cloud.network.ports.size === 1, 'its port')
  const forged = { networkId, projectId: p2, deviceId: id, deviceOwner: 'compute:nova', hostId: 'h1' }
  const port = await cloud.network.createPort(forged)
  const dead = cloud.service
  await cloud.start() // the next process looks for ports that were made before it died
  t.after(() => dead.stop())
  agents[0]!.isStuck = false
  await agents[0]!.look()
  await reaches(cloud, id, 'ACTIVE')
  assert.doesNotMatch(JSON.stringify(await show(cloud, id)), new RegExp(port.fixedIps[0]!.address))
  await cloud.call('demo', 'DELETE', `/servers/${id}`)
  await eventually(async () => (await cloud.call('demo', 'GET', `/servers/${id}`)).status === 404, 'gone')
  assert.deepEqual([...cloud.network.ports.keys()], [port.id])
})

test('B7: hosts, internal names and fault details are for administrators, to read and to set', async (t) => {
  const { cloud, agents } = await cloudWith(t)
  const id = await active(cloud)
  agents[0]!.failure = { message: 'No.', detail: 'qemu: /secret' }
  const failed = text((await post(cloud)).body['server']!['id'])
  await reaches(cloud, failed, 'ERROR')
  for (const version of ['2.1', '2.3', '2.16', '2.51', '2.96']) {
    for (const path of [`/servers/${id}`, `/servers/${failed}`, '/servers/detail']) {
      const { body } = await cloud.call('demo', 'GET', path, undefined, version)
      const shown = JSON.stringify(body)
      assert.doesNotMatch(
        shown,
        /"h1"|secret|OS-EXT-SRV-ATTR:(host|hypervisor_hostname|instance_name)"|host_status/,
        path,
      )
    }
    const { body } = await cloud.call('demo', 'GET', `/servers/${failed}/os-instance-actions`, undefined, version)
    const [action] = body['instanceActions'] as unknown as { request_id: string }[]
    const one = await cloud.call(
      'demo',
      'GET',
      `/servers/${failed}/os-instance-actions/${action!.request_id}`,
      undefined,
      version,
    )
    assert.doesNotMatch(JSON.stringify(one.body), /secret|"h1"|traceback/, `action at ${version}`)
  }
  for (const more of [{ host: 'h1' }, { hypervisor_hostname: 'h1' }, { availability_zone: 'nova:h1' }])
    assert.equal((await post(cloud, more)).status, 403, JSON.stringify(more))
  const filtered = await cloud.call('demo', 'GET', '/servers?host=nowhere&node=nowhere')
  assert.equal((filtered.body['servers'] as unknown as object[]).length, 2, 'filters of administrators are not heard')
  for (const key of ['host', 'node']) {
    const { status } = await cloud.call('demo', 'GET', `/servers?sort_key=${key}`)
    assert.equal(status, 403, `sorted by ${key}, servers would tell who shares a host`)
  }
})

test('B11, B12: what a tenant makes is counted, also when it is made all at once', async (t) => {
  const config = '[quota]\nkey_pairs = 3\nserver_groups = 3\nmetadata_items = 4\nserver_group_members = 2\n'
  const { cloud } = await cloudWith(t, ['h1'], config)
  const many = async (count: number, call: (index: number) => Promise<{ status: number }>) =>
    (await Promise.all(Array.from({ length: count }, (_, index) => call(index)))).filter(({ status }) => status < 300)
      .length
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHdSdGl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5 me'
  const keys = (index: number) =>
    cloud.call('demo', 'POST', '/os-keypairs', { keypair: { name: `k${index}`, public_key: key } })
  assert.equal(await many(20, keys), 3, 'keypairs')
  const groups = (index: number) =>
    cloud.call('demo', 'POST', '/os-server-groups', { server_group: { name: `g${index}`, policy: 'anti-affinity' } })
  assert.equal(await many(20, groups), 3, 'server groups')
  const all = (await cloud.call('demo', 'GET', '/os-server-groups')).body['server_groups'] as unknown as {
    id: string
  }[]
  const member = () =>
    cloud.call('demo', 'POST', '/servers', { ...wanted(), 'os:scheduler_hints': { group: all[0]!.id } })
  assert.equal(await many(6, member), 2, 'members of a group')
  const id = await active(cloud)
  const item = (index: number) =>
    cloud.call('demo', 'POST', `/servers/${id}/metadata`, { metadata: { [`key${index}`]: 'x' } })
  assert.equal(await many(12, item), 4, 'metadata')
  const tag = (index: number) => cloud.call('demo', 'PUT', `/servers/${id}/tags/t${index}`)
  assert.equal(await many(70, tag), 50, 'tags')
})

test('B13: a server goes to no host that its image forbids, also when hosts fail one after the other', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1', 'h2'])
  const getImage = cloud.image.getImage.bind(cloud.image)
  cloud.image.getImage = async (id) => {
    const image = await getImage(id)
    return image && { ...image, properties: { hw_architecture: 'aarch64' } }
  }
  const nowhere = text((await post(cloud)).body['server']!['id'])
  await reaches(cloud, nowhere, 'ERROR')
  assert.match(JSON.stringify(await show(cloud, nowhere)), /ImagePropertiesFilter rejected 2 hosts/)
  const [right, wrong] = agents as [FakeAgent, FakeAgent]
  await right.heartbeat({ architecture: 'aarch64' })
  right.failure = { message: 'No.', detail: '' }
  const moved = text((await post(cloud)).body['server']!['id'])
  await reaches(cloud, moved, 'ERROR')
  assert.equal(wrong.guests.size, 0, 'the other host was not asked')
  const asked = await cloud.call('admin', 'POST', '/servers', wanted({ host: 'h2' }))
  await reaches(cloud, text(asked.body['server']!['id']), 'ERROR')
  assert.equal(wrong.guests.size, 0, 'not even when an administrator names it')
})

test('D1: a console token is random, kept as a hash, short-lived, and ends with what it was for', async (t) => {
  const clock = Date.now
  let ahead = 0
  t.mock.method(Date, 'now', () => clock() + ahead)
  const { cloud, agents } = await cloudWith(t, ['h1'], '[consoleauth]\ntoken_ttl = 600\n')
  const id = await active(cloud)
  const other = await active(cloud)
  const issue = async (server: string) => {
    const remote_console = { protocol: 'vnc', type: 'novnc' }
    const { body } = await cloud.call('demo', 'POST', `/servers/${server}/remote-consoles`, { remote_console })
    return /token=(.+)$/.exec(decodeURIComponent(text(body['remote_console']!['url'])))![1]!
  }
  const [token, second, others] = [await issue(id), await issue(id), await issue(other)]
  assert.ok(token.length >= 43 && token !== second, '256 bits, new each time')
  const database = openDatabase<ComputeSchema>(await testDatabaseUrl(cloud.folder, 'nova'))
  const kept = JSON.stringify(await database.db.selectFrom('console_tokens').selectAll().execute())
  await database.close()
  assert.ok(!kept.includes(token) && kept.includes(id))
  assert.ok(await openConsole(cloud.service.deps, token))

  await agents[0]!.happens(id, 'shutdown')
  await reaches(cloud, id, 'SHUTOFF')
  assert.equal(await openConsole(cloud.service.deps, token), null, 'a stopped server has no console')
  assert.ok(await openConsole(cloud.service.deps, others), 'the other server’s is not touched')

  // Each of these ends what was on the screen for good: a token does not come back with the server.
  const act = async (body: object, status: string) => {
    assert.equal((await cloud.call('demo', 'POST', `/servers/${id}/action`, body)).status, 202)
    await reaches(cloud, id, status)
  }
  await act({ 'os-start': null }, 'ACTIVE')
  assert.equal(await openConsole(cloud.service.deps, token), null, 'not after the guest powered itself off')
  const early = await issue(id)
  await act({ 'os-stop': null }, 'SHUTOFF')
  await act({ 'os-start': null }, 'ACTIVE')
  assert.equal(await openConsole(cloud.service.deps, early), null, 'not after a stop')
  const late = await issue(id)
  await act({ reboot: { type: 'HARD' } }, 'ACTIVE')
  assert.equal(await openConsole(cloud.service.deps, late), null, 'not after a hard reboot')

  ahead = 601_000
  assert.equal(await openConsole(cloud.service.deps, others), null, 'its time is over')
  ahead = 0
  await cloud.call('demo', 'DELETE', `/servers/${other}`)
  await eventually(async () => (await cloud.call('demo', 'GET', `/servers/${other}`)).status === 404, 'gone')
  assert.equal(await openConsole(cloud.service.deps, others), null, 'a deleted server has none')
})

test('D12: user data and metadata have their sizes', async (t) => {
  const { cloud } = await cloudWith(t)
  const bytes = (length: number) => Buffer.alloc(length, 'a').toString('base64')
  assert.equal((await post(cloud, { user_data: bytes(49_149) })).status, 202)
  assert.equal((await post(cloud, { user_data: bytes(49_152) })).status, 400)
  assert.equal((await post(cloud, { metadata: { k: 'x'.repeat(256) } })).status, 400)
  assert.equal((await post(cloud, { metadata: { ['k'.repeat(256)]: 'x' } })).status, 400)
  assert.equal(
    (await post(cloud, { metadata: Object.fromEntries(Array.from({ length: 129 }, (_, i) => [i, 'x'])) })).status,
    403,
  )
  const shown = JSON.stringify(await show(cloud, await active(cloud, { user_data: bytes(30) }), 'demo'))
  assert.ok(!shown.includes(bytes(30)), 'user data are for the guest')
})

test('P3: a host speaks for itself only, and about servers that are on it', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1', 'h2'])
  const [first, second] = agents as [FakeAgent, FakeAgent]
  await first.heartbeat({ memoryMb: 131_072 })
  const id = await active(cloud, { user_data: Buffer.from('secret').toString('base64'), config_drive: true })
  assert.deepEqual([first.guests.size, second.guests.size], [1, 0])
  const thief = rpcClient(cloud.bus.forHost('h2'), conductorContract)
  const report = { id, revision: 1, power: 'missing' as const, rebootGeneration: 0, events: [], error: null }
  await assert.rejects(thief.pullServers(null, { host: 'h1' }), /cannot speak for host h1/)
  await assert.rejects(thief.reportServers(null, { host: 'h1', reports: [report] }), /cannot speak for host h1/)
  assert.deepEqual(
    (await thief.pullServers(null, { host: 'h2', ids: [id] })).servers,
    [],
    'nor is it given its secrets',
  )
  await thief.reportServers(null, { host: 'h2', reports: [report, { ...report, id: 'no-such-server' }] })
  assert.equal(text((await show(cloud, id))['status']), 'ACTIVE')
  const stranger = rpcClient(cloud.bus.forHost('h9'), conductorContract)
  assert.deepEqual((await stranger.pullServers(null, { host: 'h9', ids: [id] })).servers, [])
  // A report that was true once, said again.
  const own = rpcClient(cloud.bus.forHost('h1'), conductorContract)
  await own.reportServers(null, { host: 'h1', reports: [{ ...report, revision: 0, power: 'building' }] })
  assert.equal(text((await show(cloud, id))['status']), 'ACTIVE')
})
