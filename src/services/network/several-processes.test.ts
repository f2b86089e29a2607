/** Several neutron-servers on one database: addresses, quotas and floating IPs are exact, whoever is asked. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { rpcClient } from '../../platform/rpc/contract.ts'
import { neutronContract, type HostState } from './rpc/host-state.ts'
import { createTestNetwork, followers, type Item, type TestNetwork } from './testing/service.ts'

const user = 'member@one'

async function setUp(t: TestContext, hosts: readonly string[] = ['h1']): Promise<TestNetwork[]> {
  const first = await createTestNetwork('[QUOTAS]\nquota_port = 50\nquota_network = 10\n', hosts)
  const rest: TestNetwork[] = []
  for (const host of ['second', 'third'])
    rest.push(await createTestNetwork('[QUOTAS]\nquota_port = 50\nquota_network = 10\n', [], { ...first, host }))
  t.after(async () => {
    for (const each of rest) await each.close()
    await first.close()
  })
  return [first, ...rest]
}

/** `count` requests at once, one after the other process. */
const spread = <T>(all: readonly TestNetwork[], count: number, ask: (each: TestNetwork, index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => ask(all[index % all.length]!, index)))

test('ports made at once through all of them have addresses of their own, and the quota is exact', async (t) => {
  const all = await setUp(t)
  const network = await all[0]!.make(user, 'POST', '/networks', { network: { name: 'n' } })
  const subnet = { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24', enable_dhcp: false }
  await all[1]!.make(user, 'POST', '/subnets', { subnet })
  const body = { port: { network_id: network.id } }
  const answers = await spread(all, 60, (each) => each.send(user, 'POST', '/v2.0/ports', body))
  const made = answers.filter(({ status }) => status === 201).map((answer) => answer.body['port'] as Item)
  assert.deepEqual(
    answers.map(({ status }) => status).filter((status) => status !== 201),
    Array.from({ length: 10 }, () => 409),
  )
  const addresses = new Set(made.map((port) => (port['fixed_ips'] as { ip_address: string }[])[0]!.ip_address))
  assert.equal(addresses.size, 50)
  assert.equal(new Set(made.map((port) => port['mac_address'])).size, 50)
})

test('a small subnet gives each of its addresses once', async (t) => {
  const all = await setUp(t)
  const network = await all[0]!.make(user, 'POST', '/networks', { network: { name: 'n' } })
  const subnet = { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/28', enable_dhcp: false }
  await all[0]!.make(user, 'POST', '/subnets', { subnet })
  const answers = await spread(all, 21, (each) =>
    each.send(user, 'POST', '/v2.0/ports', { port: { network_id: network.id } }),
  )
  assert.equal(answers.filter(({ status }) => status === 201).length, 13)
  const given = answers.flatMap(({ body }) => (body['port']?.['fixed_ips'] as { ip_address: string }[]) ?? [])
  assert.equal(new Set(given.map((each) => each.ip_address)).size, 13)
})

test('what one process changes the others show at once, and hosts are told the same by all', async (t) => {
  const all = await setUp(t)
  const network = await all[0]!.make(user, 'POST', '/networks', { network: { name: 'before' } })
  await all[1]!.make(user, 'PUT', `/networks/${network.id}`, { network: { name: 'after' } })
  const { body } = await all[2]!.send(user, 'GET', `/v2.0/networks/${network.id}`)
  assert.equal(body['network']!['name'], 'after')
  const states = await Promise.all(all.map((each) => each.hostState('h1')))
  for (const state of states) assert.deepEqual(state, states[0])
})

/** As an agent does it: what it knows stays what it has while the revision of its host is the same. */
async function follow(net: TestNetwork, host: string, known: HostState | undefined): Promise<HostState | undefined> {
  const server = rpcClient(net.bus.forHost(host), neutronContract)
  const { state } = await server.pullHost(null, { host, revision: known?.revision ?? null, parts: followers() })
  return state ?? known
}

test('hosts that look during changes of all processes miss none of them', async (t) => {
  const hosts = ['h1', 'h2', 'h3']
  const all = await setUp(t, hosts)
  const network = await all[0]!.make(user, 'POST', '/networks', { network: {} })
  const subnet = { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' }
  await all[0]!.make(user, 'POST', '/subnets', { subnet })
  const known = new Map<string, HostState | undefined>()
  const done = new AbortController()
  const looking = hosts.map(async (host, index) => {
    while (!done.signal.aborted) {
      known.set(host, await follow(all[index]!, host, known.get(host)))
      await setImmediate()
    }
  })
  const owned = { network_id: network.id, project_id: 'one', device_owner: 'compute:nova', device_id: 'server' }
  const bound = (index: number) => ({ ...owned, 'binding:host_id': hosts[index % hosts.length] })
  const made = await spread(all, 24, (each, index) => each.make('admin@ops', 'POST', '/ports', { port: bound(index) }))
  await Promise.all(made.slice(12).map((port, index) => all[index % 3]!.make(user, 'DELETE', `/ports/${port.id}`)))
  done.abort()
  await Promise.all(looking)
  for (const host of hosts)
    assert.deepEqual(await follow(all[0]!, host, known.get(host)), await all[1]!.hostState(host), host)
})
