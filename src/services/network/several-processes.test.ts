/** Several neutron-servers on one database: addresses, quotas and floating IPs are exact, whoever is asked. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createTestNetwork, type Item, type TestNetwork } from './testing/service.ts'

const user = 'member@one'

async function setUp(t: TestContext): Promise<TestNetwork[]> {
  const first = await createTestNetwork('[QUOTAS]\nquota_port = 50\nquota_network = 10\n')
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
