import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { adminProject, eventually, FakeAgent, p1, TestCloud, type Tree } from '../testing/cloud.ts'
import { imageId, networkId } from '../testing/fakes.ts'
import { versions } from '../versions.ts'
import { openConsole } from '../operations/consoles.ts'

const text = (value: Tree | undefined) => value as unknown as string

async function cloudWithServer(t: TestContext) {
  const cloud = new TestCloud()
  await cloud.start()
  t.after(() => cloud.stop())
  const agent = new FakeAgent(cloud.bus, 'h1')
  await agent.heartbeat()
  await cloud.call('admin', 'POST', '/flavors', { flavor: { name: 'm1.tiny', id: '1', ram: 512, vcpus: 1, disk: 1 } })
  const body = {
    server: { name: 'First Server', imageRef: imageId, flavorRef: '1', networks: [{ uuid: networkId }], tags: ['red'] },
  }
  const id = text((await cloud.call('demo', 'POST', '/servers', body)).body['server']!['id'])
  await eventually(
    async () => text((await cloud.call('demo', 'GET', `/servers/${id}`)).body['server']!['status']) === 'ACTIVE',
    'ACTIVE',
  )
  return { cloud, agent, id }
}

test('every number from 2.1 to 2.96 is there', () => {
  assert.deepEqual(
    versions.entries.map(({ at }) => at),
    Array.from({ length: 96 }, (_, index) => `2.${index + 1}`),
  )
})

test('every list answers at the oldest and the newest version, with and without project in the path', async (t) => {
  const { cloud, id } = await cloudWithServer(t)
  const paths = [
    '/flavors',
    '/flavors/detail',
    '/flavors/1',
    '/flavors/1/os-extra_specs',
    '/os-keypairs',
    '/servers',
    '/servers/detail',
    `/servers/${id}`,
    `/servers/${id}/metadata`,
    `/servers/${id}/ips`,
    `/servers/${id}/os-interface`,
    `/servers/${id}/os-instance-actions`,
    '/os-services',
    '/os-hypervisors',
    '/os-hypervisors/detail',
    '/os-availability-zone',
    '/os-availability-zone/detail',
    '/os-aggregates',
    '/limits',
    `/os-quota-sets/${p1}`,
    `/os-quota-sets/${p1}/detail`,
    `/os-quota-sets/${p1}/defaults`,
    '/os-quota-class-sets/default',
    '/os-server-groups',
  ]
  for (const version of ['2.1', '2.96']) {
    for (const path of [...paths, ...paths.map((each) => `/${adminProject}${each}`)]) {
      const answer = await cloud.call('admin', 'GET', path, undefined, version)
      assert.equal(answer.status, 200, `${version} ${path}: ${JSON.stringify(answer.body)}`)
      assert.equal(answer.headers['OpenStack-API-Version'], `compute ${version}`)
    }
  }
  assert.equal((await cloud.call('admin', 'GET', `/servers/${id}/tags`, undefined, '2.25')).status, 404)
  assert.equal((await cloud.call('admin', 'GET', '/os-hypervisors/statistics', undefined, '2.87')).status, 200)
  assert.equal((await cloud.call('admin', 'GET', '/os-hypervisors/statistics', undefined, '2.88')).status, 404)
})

test('version documents need no token', async (t) => {
  const { cloud } = await cloudWithServer(t)
  for (const url of ['/', '/v2.1', '/v2.1/']) {
    const answer = await cloud.service.apps['compute']!.dispatch({ method: 'GET', url, headers: {} })
    assert.equal(answer.status, 200)
    assert.match(JSON.stringify(answer.body), /"version":"2.96","min_version":"2.1"/)
    assert.match(answer.headers['x-compute-request-id'] ?? '', /^req-/)
  }
})

test('a server shows what its version has', async (t) => {
  const { cloud, id } = await cloudWithServer(t)
  const at = async (version: string, token = 'demo') =>
    (await cloud.call(token, 'GET', `/servers/${id}`, undefined, version)).body['server']!
  const keys = async (version: string) => Object.keys(await at(version))
  const appears: [string, string, string][] = [
    ['2.8', '2.9', 'locked'],
    ['2.18', '2.19', 'description'],
    ['2.25', '2.26', 'tags'],
    ['2.70', '2.71', 'server_groups'],
    ['2.72', '2.73', 'locked_reason'],
    ['2.95', '2.96', 'pinned_availability_zone'],
    ['2.89', '2.90', 'OS-EXT-SRV-ATTR:hostname'],
  ]
  for (const [before, since, key] of appears) {
    assert.ok(!(await keys(before)).includes(key), `${key} at ${before}`)
    assert.ok((await keys(since)).includes(key), `${key} at ${since}`)
  }
  assert.equal(text((await at('2.46'))['flavor']!['id']), '1')
  assert.equal(text((await at('2.47'))['flavor']!['original_name']), 'm1.tiny')
  assert.equal(text((await at('2.90'))['OS-EXT-SRV-ATTR:hostname']), 'first-server')
  assert.equal((await at('2.3'))['OS-EXT-SRV-ATTR:host'], undefined)
  assert.equal(text((await at('2.16', 'admin'))['host_status']), 'UP')
})

test('bad input names its field in badRequest', async (t) => {
  const { cloud } = await cloudWithServer(t)
  const base = { name: 'x', imageRef: imageId, flavorRef: '1', networks: 'none' }
  const cases: [object, RegExp][] = [
    [{ ...base, name: '' }, /server\/name/],
    [{ ...base, colour: 'red' }, /colour/],
    [{ ...base, user_data: '%%%' }, /user_data/],
    [{ ...base, imageRef: networkId }, /Can not find requested image/],
    [{ ...base, flavorRef: 'nope' }, /Flavor nope could not be found/],
    [{ ...base, key_name: 'nope' }, /Invalid key_name provided/],
    [{ ...base, min_count: 3, max_count: 2 }, /min_count must be <= max_count/],
    [
      {
        ...base,
        block_device_mapping_v2: [{ source_type: 'volume', destination_type: 'volume', boot_index: 0, uuid: imageId }],
      },
      /Block Device Mapping/,
    ],
    [{ ...base, availability_zone: 'mars' }, /availability zone is not available/],
  ]
  for (const [server, message] of cases) {
    const answer = await cloud.call('demo', 'POST', '/servers', { server })
    assert.equal(answer.status, 400, JSON.stringify(answer.body))
    assert.match(text(answer.body['badRequest']!['message']), message)
  }
})

test('metadata, tags, locks, groups, keypairs and aggregates do what they say', async (t) => {
  const { cloud, id } = await cloudWithServer(t)
  const demo = (method: string, path: string, json?: unknown, version?: string) =>
    cloud.call('demo', method, path, json, version)
  assert.equal((await demo('POST', `/servers/${id}/metadata`, { metadata: { a: '1' } })).status, 200)
  assert.equal((await demo('PUT', `/servers/${id}/metadata/b`, { meta: { b: '2' } })).status, 200)
  assert.equal((await demo('DELETE', `/servers/${id}/metadata/a`)).status, 204)
  assert.deepEqual((await demo('GET', `/servers/${id}/metadata`)).body, { metadata: { b: '2' } })
  assert.equal((await demo('PUT', `/servers/${id}/tags/blue`)).status, 201)
  assert.equal((await demo('GET', `/servers/${id}/tags/blue`)).status, 204)
  const byTags = async (query: string) =>
    ((await demo('GET', `/servers?${query}`)).body['servers'] as unknown as object[]).length
  assert.deepEqual(
    [
      await byTags('tags=red,blue'),
      await byTags('tags=green'),
      await byTags('tags-any=green,red'),
      await byTags('not-tags=red'),
    ],
    [1, 0, 1, 0],
  )
  assert.deepEqual(
    [
      await byTags('name=irst'),
      await byTags('status=SHUTOFF'),
      await byTags('status=ACTIVE'),
      await byTags('name=%25x'),
    ],
    [1, 0, 1, 0],
  )
  assert.equal((await demo('POST', `/servers/${id}/action`, { lock: { locked_reason: 'mine' } })).status, 202)
  assert.equal(
    text((await demo('DELETE', `/servers/${id}`)).body['conflictingRequest']!['message']),
    `Instance ${id} is locked`,
  )
  assert.equal((await demo('POST', `/servers/${id}/action`, { unlock: null })).status, 202)
  const group = await demo('POST', '/os-server-groups', {
    server_group: { name: 'g', policy: 'anti-affinity', rules: { max_server_per_host: 2 } },
  })
  assert.equal(group.status, 200)
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHdSdGl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5 me'
  assert.equal((await demo('POST', '/os-keypairs', { keypair: { name: 'k', public_key: key } })).status, 201)
  assert.equal((await demo('POST', '/os-keypairs', { keypair: { name: 'k', public_key: key } })).status, 409)
  assert.equal((await demo('POST', '/os-keypairs', { keypair: { name: 'l', public_key: 'nonsense' } })).status, 400)
  assert.match(
    text((await demo('POST', '/os-keypairs', { keypair: { name: 'm' } }, '2.91')).body['keypair']!['private_key']),
    /BEGIN RSA PRIVATE KEY/,
  )
  assert.equal((await cloud.call('other', 'GET', '/os-keypairs/k')).status, 404)
  assert.equal(
    (await cloud.call('admin', 'POST', '/os-aggregates', { aggregate: { name: 'a', availability_zone: 'east' } }))
      .status,
    200,
  )
  const refused = await cloud.call('admin', 'POST', '/os-aggregates/1/action', { add_host: { host: 'h1' } })
  assert.equal(refused.status, 409, 'the host has servers of another zone')
  assert.equal((await demo('GET', '/os-aggregates')).status, 403)
})

test('a console token is good until it ends with its server', async (t) => {
  const { cloud, id } = await cloudWithServer(t)
  const made = await cloud.call('demo', 'POST', `/servers/${id}/remote-consoles`, {
    remote_console: { protocol: 'vnc', type: 'novnc' },
  })
  const token = /token=(.+)$/.exec(decodeURIComponent(text(made.body['remote_console']!['url'])))![1]!
  assert.deepEqual(await openConsole(cloud.service.deps, token), {
    socketPath: '/x',
    host: '',
    port: 0,
    ticket: 't',
  })
  assert.equal(await openConsole(cloud.service.deps, `${token}x`), null)
  assert.equal((await cloud.call('demo', 'POST', `/servers/${id}/action`, { 'os-getConsoleOutput': {} })).status, 200)
  await cloud.call('demo', 'DELETE', `/servers/${id}`)
  await eventually(async () => (await cloud.call('demo', 'GET', `/servers/${id}`)).status === 404, 'gone')
  assert.equal(await openConsole(cloud.service.deps, token), null)
  const actions = (await cloud.call('demo', 'GET', `/servers/${id}/os-instance-actions`)).body[
    'instanceActions'
  ] as unknown as { action: string }[]
  assert.deepEqual(actions.map(({ action }) => action).sort(), ['create', 'delete'])
})

test('a build waits for its ports until neutron says that they are plugged', async (t) => {
  const { cloud } = await cloudWithServer(t)
  cloud.network.status = 'DOWN'
  const body = { server: { name: 'late', imageRef: imageId, flavorRef: '1', networks: [{ uuid: networkId }] } }
  const id = text((await cloud.call('demo', 'POST', '/servers', body)).body['server']!['id'])
  const port = await eventually(
    async () => [...cloud.network.ports.values()].find((each) => each.deviceId === id),
    'port',
  )
  const show = async () => (await cloud.call('demo', 'GET', `/servers/${id}`)).body['server']!
  await eventually(async () => text((await show())['OS-EXT-STS:task_state']) === 'spawning', 'spawning')
  const event = { name: 'network-vif-plugged', server_uuid: id, tag: port.id, status: 'completed' }
  assert.equal((await cloud.call('demo', 'POST', '/os-server-external-events', { events: [event] })).status, 403)
  assert.equal((await cloud.call('admin', 'POST', '/os-server-external-events', { events: [event] })).status, 200)
  await eventually(async () => text((await show())['status']) === 'ACTIVE', 'ACTIVE')
})

test('pages of servers follow their links', async (t) => {
  const { cloud } = await cloudWithServer(t)
  for (let count = 0; count < 4; count++) {
    await cloud.call('demo', 'POST', '/servers', {
      server: { name: `s${count}`, imageRef: imageId, flavorRef: '1', networks: 'none' },
    })
  }
  const seen: string[] = []
  let path: string | undefined = '/servers?limit=2&sort_key=display_name&sort_dir=asc'
  while (path) {
    const { body }: { body: Tree } = await cloud.call('demo', 'GET', path)
    seen.push(...(body['servers'] as unknown as { name: string }[]).map(({ name }) => name))
    path = (body['servers_links'] as unknown as { href: string }[] | undefined)?.[0]?.href.replace(
      'http://compute.test/v2.1',
      '',
    )
  }
  assert.deepEqual(seen, ['First Server', 's0', 's1', 's2', 's3'])
})

test('a limit below what is used needs force', async (t) => {
  const { cloud } = await cloudWithServer(t)
  const put = (quota_set: object) => cloud.call('admin', 'PUT', `/os-quota-sets/${p1}`, { quota_set })
  const refused = await put({ ram: 100 })
  assert.equal(refused.status, 400)
  assert.equal(
    text(refused.body['badRequest']!['message']),
    'Quota limit 100 for ram must be greater than or equal to already used and reserved 512.',
  )
  assert.equal((await put({ ram: -1, instances: 1 })).status, 200)
  assert.equal((await put({ ram: 100, force: true })).status, 200)
})
