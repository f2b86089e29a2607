import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import { createTestNetwork, type Item, type TestNetwork } from '../testing/service.ts'

let net: TestNetwork
const agents: Record<string, string> = {}
before(async () => {
  net = await createTestNetwork('', ['h1', 'h2'])
  for (const agent of (await net.send('admin@ops', 'GET', '/v2.0/agents')).body['agents'] as Item[])
    agents[`${agent['agent_type']} ${agent['host']}`] = agent.id
})
after(() => net.close())

const hosts = async (path: string) =>
  ((await net.send('admin@ops', 'GET', `/v2.0${path}`)).body['agents'] as Item[]).map((agent) => agent['host']).sort()

test('a network is served by one agent more, or by another one', async () => {
  const network = await net.make('member@one', 'POST', '/networks', { network: {} })
  await net.make('member@one', 'POST', '/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' },
  })
  const [first] = await hosts(`/networks/${network.id}/dhcp-agents`)
  const second = first === 'h1' ? 'h2' : 'h1'
  const path = (host: unknown) => `/agents/${agents[`DHCP agent ${host}`]}/dhcp-networks`
  const add = { network_id: network.id }
  assert.equal((await net.refused(409, 'admin@ops', 'POST', path(first), add)).type, 'NetworkHostedByDHCPAgent')
  assert.equal((await net.send('admin@ops', 'POST', `/v2.0${path(second)}`, add)).status, 201)
  assert.deepEqual(await hosts(`/networks/${network.id}/dhcp-agents`), ['h1', 'h2'])
  const told = (await net.hostState(second)).dhcp.find((each) => each.networkId === network.id)
  assert.match(told!.addresses[0]!, /^10\.0\.0\.\d+\/24$/)
  assert.equal((await net.send('admin@ops', 'DELETE', `/v2.0${path(first)}/${network.id}`)).status, 204)
  assert.deepEqual(await hosts(`/networks/${network.id}/dhcp-agents`), [second])
  const gone = await net.refused(409, 'admin@ops', 'DELETE', `${path(first)}/${network.id}`)
  assert.equal(gone.type, 'NetworkNotHostedByDhcpAgent')
  const listed = (await net.send('admin@ops', 'GET', `/v2.0${path(second)}`)).body['networks'] as Item[]
  assert.deepEqual(
    listed.map(({ id }) => id),
    [network.id],
  )
  await net.make('member@one', 'DELETE', `/networks/${network.id}`)
})

test('a router moves from one host to another', async () => {
  const network = await net.make('member@one', 'POST', '/networks', { network: {} })
  const subnet = await net.make('member@one', 'POST', '/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' },
  })
  const router = await net.make('member@one', 'POST', '/routers', { router: {} })
  await net.make('member@one', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
  const [first] = await hosts(`/routers/${router.id}/l3-agents`)
  const second = first === 'h1' ? 'h2' : 'h1'
  const path = (host: unknown) => `/agents/${agents[`L3 agent ${host}`]}/l3-routers`
  const add = { router_id: router.id }
  assert.equal((await net.refused(409, 'admin@ops', 'POST', path(second), add)).type, 'RouterHostedByL3Agent')
  assert.equal((await net.send('admin@ops', 'DELETE', `/v2.0${path(first)}/${router.id}`)).status, 204)
  assert.deepEqual(await hosts(`/routers/${router.id}/l3-agents`), [])
  assert.equal((await net.send('admin@ops', 'POST', `/v2.0${path(second)}`, add)).status, 201)
  assert.deepEqual(await hosts(`/routers/${router.id}/l3-agents`), [second])
  assert.ok((await net.hostState(second)).routers.some(({ id }) => id === router.id))
  assert.ok(!(await net.hostState(String(first))).routers.some(({ id }) => id === router.id))
  const wrong = `/agents/${agents[`DHCP agent ${first}`]}/l3-routers`
  assert.equal((await net.refused(409, 'admin@ops', 'POST', wrong, add)).type, 'InvalidL3Agent')
  assert.equal((await net.send('member@one', 'GET', `/v2.0/routers/${router.id}/l3-agents`)).status, 403)
})

test('a floating IP and its router are DOWN while no agent has them', async () => {
  const make = (path: string, body: object) => net.make('admin@ops', 'POST', path, body)
  const external = await make('/networks', { network: { 'router:external': true } })
  await make('/subnets', { subnet: { network_id: external.id, ip_version: 4, cidr: '198.51.100.0/24' } })
  const inside = await make('/networks', { network: {} })
  const subnet = await make('/subnets', { subnet: { network_id: inside.id, ip_version: 4, cidr: '10.1.0.0/24' } })
  const router = await make('/routers', { router: {} })
  assert.equal(router['status'], 'ACTIVE', 'clients wait for it')
  await net.make('admin@ops', 'PUT', `/routers/${router.id}`, {
    router: { external_gateway_info: { network_id: external.id } },
  })
  await net.make('admin@ops', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
  const port = await make('/ports', { port: { network_id: inside.id } })
  const floating = await make('/floatingips', {
    floatingip: { floating_network_id: external.id, port_id: port.id },
  })
  const statuses = async () => [
    (await net.make('admin@ops', 'GET', `/floatingips/${floating.id}`))['status'],
    (await net.make('admin@ops', 'GET', `/routers/${router.id}`))['status'],
  ]
  const become = (wanted: string) =>
    waitFor(async () => (await statuses()).every((each) => each === wanted), { what: wanted, timeoutMs: 10_000 })
  await become('ACTIVE')
  const [host] = await hosts(`/routers/${router.id}/l3-agents`)
  const other = host === 'h1' ? 'h2' : 'h1'
  await net.send('admin@ops', 'DELETE', `/v2.0/agents/${agents[`L3 agent ${host}`]}/l3-routers/${router.id}`)
  assert.deepEqual(await statuses(), ['DOWN', 'DOWN'])
  await net.send('admin@ops', 'POST', `/v2.0/agents/${agents[`L3 agent ${other}`]}/l3-routers`, {
    router_id: router.id,
  })
  await become('ACTIVE')
  await net.send('admin@ops', 'DELETE', `/v2.0/agents/${agents[`L3 agent ${other}`]}`)
  assert.deepEqual(await statuses(), ['DOWN', 'DOWN'], 'the agent is gone')
})
