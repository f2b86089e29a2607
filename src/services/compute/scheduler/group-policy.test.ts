import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../../platform/db/database.ts'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import type { ComputeSchema } from '../store/tables.ts'
import { eventually, type TestCloud, type Tree } from '../testing/cloud.ts'
import { imageId } from '../testing/fakes.ts'
import { cloudWith, reaches, show, text } from '../testing/stories.ts'

const hosts = ['h1', 'h2', 'h3']
const roomy = '[quota]\ninstances = -1\ncores = -1\nram = -1\nserver_group_members = -1\n'

async function groupOf(cloud: TestCloud, policy: string, rules?: object): Promise<string> {
  const server_group = { name: 'g', policy, ...(rules && { rules }) }
  const { body } = await cloud.call('demo', 'POST', '/os-server-groups', { server_group })
  return text(body['server_group']!['id'])
}

const boot = (cloud: TestCloud, group: string, more: object = {}) =>
  cloud.call('demo', 'POST', '/servers', {
    server: { name: 's', imageRef: imageId, flavorRef: '1', networks: 'none', ...more },
    'os:scheduler_hints': { group },
  })

/** Waits until every build is over; returns the hosts of those that run and the faults of the others. */
async function outcome(cloud: TestCloud) {
  const all = async () => {
    const { body } = await cloud.call('admin', 'GET', '/servers/detail?all_tenants=1')
    return body['servers'] as unknown as Tree[]
  }
  await eventually(async () => (await all()).every((server) => text(server['status']) !== 'BUILD'), 'the end of builds')
  const servers = await all()
  return {
    hosts: servers
      .filter((each) => text(each['status']) === 'ACTIVE')
      .map((each) => text(each['OS-EXT-SRV-ATTR:host'])),
    faults: servers.flatMap((each) => (each['fault'] ? [text(each['fault']['message'])] : [])),
  }
}

test('anti-affinity holds within one request, for as many servers as there are hosts and no more', async (t) => {
  const { cloud } = await cloudWith(t, hosts)
  const group = await groupOf(cloud, 'anti-affinity')
  assert.equal((await boot(cloud, group, { min_count: 3 })).status, 202)
  assert.deepEqual((await outcome(cloud)).hosts.toSorted(), hosts)
  await boot(cloud, group)
  const { faults } = await outcome(cloud)
  assert.equal(faults.length, 1)
  assert.match(faults[0]!, /No valid host was found.*ServerGroupAntiAffinityFilter rejected 3 hosts/)
})

test('20 parallel requests keep anti-affinity: each host has as many of the group as its rule allows', async (t) => {
  const { cloud } = await cloudWith(t, hosts, roomy)
  const group = await groupOf(cloud, 'anti-affinity', { max_server_per_host: 6 })
  await Promise.all(Array.from({ length: 20 }, () => boot(cloud, group)))
  const { hosts: used, faults } = await outcome(cloud)
  assert.deepEqual(
    hosts.map((host) => used.filter((each) => each === host).length),
    [6, 6, 6],
  )
  assert.equal(faults.length, 2)
})

test('20 parallel requests keep affinity: one host has them all', async (t) => {
  const { cloud } = await cloudWith(t, hosts, roomy)
  const group = await groupOf(cloud, 'affinity')
  await Promise.all(Array.from({ length: 20 }, () => boot(cloud, group)))
  const { hosts: used } = await outcome(cloud)
  assert.equal(used.length, 20)
  assert.equal(new Set(used).size, 1)
})

test('requests to three processes at once keep anti-affinity', async (t) => {
  const { cloud } = await cloudWith(t, hosts, roomy)
  const others = [await cloud.startAnother('c2'), await cloud.startAnother('c3')]
  t.after(() => Promise.all(others.map((each) => each.stop())))
  const group = await groupOf(cloud, 'anti-affinity', { max_server_per_host: 3 })
  const body = {
    server: { name: 's', imageRef: imageId, flavorRef: '1', networks: 'none' },
    'os:scheduler_hints': { group },
  }
  const services = [cloud.service, ...others]
  await Promise.all(
    Array.from({ length: 12 }, (_, at) => cloud.call('demo', 'POST', '/servers', body, '2.96', services[at % 3])),
  )
  const { hosts: used, faults } = await outcome(cloud)
  assert.deepEqual(
    hosts.map((host) => used.filter((each) => each === host).length),
    [3, 3, 3],
  )
  assert.equal(faults.length, 3)
})

test('soft anti-affinity spreads the servers of one request', async (t) => {
  const { cloud } = await cloudWith(t, hosts, roomy)
  await boot(cloud, await groupOf(cloud, 'soft-anti-affinity'), { min_count: 6 })
  const { hosts: used } = await outcome(cloud)
  assert.deepEqual(
    hosts.map((host) => used.filter((each) => each === host).length),
    [2, 2, 2],
  )
})

test('a host that the group forbids by the time the guest is ordered is left for another', async (t) => {
  const { cloud } = await cloudWith(t, hosts)
  const group = await groupOf(cloud, 'anti-affinity')
  const first = text((await boot(cloud, group)).body['server']!['id'])
  await reaches(cloud, first, 'ACTIVE')
  // Between choice and order another process has put the first server where the second is to be.
  const database = openDatabase<ComputeSchema>(await testDatabaseUrl(cloud.folder, 'nova'))
  t.after(() => database.close())
  const { createPort } = cloud.network
  let chosen = ''
  cloud.network.createPort = async (asked) => {
    chosen = asked.hostId
    await database.db.updateTable('servers').set({ host: chosen }).where('id', '=', first).execute()
    return createPort.call(cloud.network, asked)
  }
  const second = text((await boot(cloud, group, { networks: 'auto' })).body['server']!['id'])
  await reaches(cloud, second, 'ACTIVE')
  const placed = text((await show(cloud, second))['OS-EXT-SRV-ATTR:host'])
  assert.ok(chosen !== '' && placed !== chosen, `${placed} is not ${chosen}`)
  assert.equal(cloud.network.ports.values().next().value!.hostId, placed, 'its port moved with it')
})

test('a disabled host has the trait that says so in placement, beside what an operator set there', async (t) => {
  const { cloud, agents } = await cloudWith(t, ['h1'])
  const [provider] = cloud.placement.providers.keys()
  cloud.placement.traits.set(provider!, ['CUSTOM_GOLD'])
  const { body } = await cloud.call('admin', 'GET', '/os-services?binary=nova-compute')
  const service = text((body['services'] as unknown as Tree[])[0]!['id'])
  const put = (status: string) => cloud.call('admin', 'PUT', `/os-services/${service}`, { status })
  assert.equal((await put('disabled')).status, 200)
  assert.deepEqual(cloud.placement.traits.get(provider!), ['CUSTOM_GOLD', 'COMPUTE_STATUS_DISABLED'])
  await agents[0]!.heartbeat({ vcpus: 65 })
  assert.ok(cloud.placement.traits.get(provider!)!.includes('COMPUTE_STATUS_DISABLED'), 'a heartbeat keeps it')
  assert.equal((await put('enabled')).status, 200)
  assert.deepEqual(cloud.placement.traits.get(provider!), ['CUSTOM_GOLD'])

  // While placement does not answer, the next heartbeat makes it good.
  const { changeTraits } = cloud.placement
  cloud.placement.changeTraits = () => Promise.reject(new Error('placement is away'))
  assert.equal((await put('disabled')).status, 200)
  cloud.placement.changeTraits = changeTraits
  await agents[0]!.heartbeat({ vcpus: 65 })
  assert.ok(cloud.placement.traits.get(provider!)!.includes('COMPUTE_STATUS_DISABLED'))
})

test('the trait alone keeps servers away, whoever set it', async (t) => {
  const { cloud } = await cloudWith(t, ['h1', 'h2'])
  const [first] = cloud.placement.providers.keys()
  cloud.placement.traits.set(first!, ['COMPUTE_STATUS_DISABLED'])
  const { body } = await cloud.call('demo', 'POST', '/servers', {
    server: { name: 's', imageRef: imageId, flavorRef: '1', networks: 'none', min_count: 4 },
  })
  assert.ok(body['server'])
  assert.deepEqual([...new Set((await outcome(cloud)).hosts)], ['h2'])
})
