/** What hosts report of their ports: wired, unplugged, or not to be wired. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rpcClient } from '../../platform/rpc/contract.ts'
import { neutronContract } from './rpc/host-state.ts'
import { agentParts } from './rpc/parts.ts'
import { createTestNetwork, type Item, type TestNetwork } from './testing/service.ts'

let net: TestNetwork
before(async () => {
  net = await createTestNetwork('', ['h1'])
})
after(() => net.close())

const nothing = { host: 'quiet', up: [], down: [], errors: [] }

async function boundPort() {
  const network = await net.make('member@one', 'POST', '/networks', { network: {} })
  const port = { network_id: network.id, device_owner: 'compute:nova', device_id: 'server-1' }
  const made = await net.make('member@one', 'POST', '/ports', { port })
  const host = net.bus.forHost('quiet')
  const server = rpcClient(host, neutronContract)
  const mappings = ['provider']
  const configurations = { tunnel_types: ['vxlan'], bridge_mappings: { provider: 'br' } }
  const agent = { agentType: 'Linux bridge agent', binary: 'neutron-linuxbridge-agent', configurations, error: null }
  await server.reportAgents(null, {
    host: 'quiet',
    tunnelIp: '127.0.0.9',
    bridgeMappings: mappings,
    agents: [agent],
  })
  await net.make('service@service', 'PUT', `/ports/${made.id}`, { port: { 'binding:host_id': 'quiet' } })
  return { id: made.id, server }
}
const statusOf = async (id: string) => (await net.make('admin@ops', 'GET', `/ports/${id}`))['status']

test('a port that its host cannot wire is in ERROR until it is wired after all', async () => {
  const { id, server } = await boundPort()
  assert.equal(await statusOf(id), 'DOWN')
  await server.reportPorts(null, { ...nothing, errors: [{ portId: id, message: 'no dnsmasq' }] })
  assert.equal(await statusOf(id), 'ERROR')
  await server.reportPorts(null, { ...nothing, up: [id] })
  assert.equal(await statusOf(id), 'ACTIVE')
})

test('trouble with a port that works is noted and takes nothing down', async () => {
  const { id, server } = await boundPort()
  await server.reportPorts(null, { ...nothing, up: [id] })
  await server.reportPorts(null, { ...nothing, errors: [{ portId: id, message: 'no dnsmasq' }] })
  assert.equal(await statusOf(id), 'ACTIVE')
})

test('a host without a data plane pulls the ids of its ports, and only when something changed', async () => {
  const { id, server } = await boundPort()
  const parts = [...agentParts]
  const first = await server.pullPorts(null, { host: 'quiet', revision: null, parts })
  assert.ok(first.ports!.includes(id))
  const again = await server.pullPorts(null, { host: 'quiet', revision: first.revision, parts })
  assert.deepEqual(again, { revision: first.revision, ports: null })
  await assert.rejects(server.pullPorts(null, { host: 'h1', revision: null, parts }), /must not speak for h1/)
})

test('a clock that is set two hours ahead takes no agent down', async (t) => {
  const alive = async () => {
    const { agents = [] as Item[] } = (await net.send('admin@ops', 'GET', '/v2.0/agents')).body
    return [agents.length > 0, ...new Set((agents as Item[]).map((agent) => agent['alive']))]
  }
  assert.deepEqual(await alive(), [true, true])
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 7_200_000 })
  assert.deepEqual(await alive(), [true, true])
})
