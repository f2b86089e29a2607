/** The agents of a host apart: what each is told, which hosts get the work of which kind, and who of them is in doubt. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import { operatorName, rpcClient } from '../../../platform/rpc/contract.ts'
import { fakeAgent } from '../fake-agents.ts'
import { agentContracts, neutronContract } from '../rpc/host-state.ts'
import { neutronOperatorContract } from '../rpc/operator.ts'
import { agentParts, sliceOf, type AgentPart } from '../rpc/parts.ts'
import { createTestNetwork, followers, type Item, type TestNetwork } from '../testing/service.ts'

const admin = 'admin@ops'

/** A cloud of hosts with these agents. */
async function start(t: TestContext, hosts: Readonly<Record<string, readonly AgentPart[]>>): Promise<TestNetwork> {
  const net = await createTestNetwork('', [])
  t.after(() => net.close())
  for (const [host, parts] of Object.entries(hosts)) {
    const stop = await fakeAgent(net.bus.forHost(host), host, parts)
    t.after(stop)
  }
  return net
}

/** A network with DHCP, a router in it. */
async function makeRouted(net: TestNetwork, third: number): Promise<Item> {
  const network = await net.make(admin, 'POST', '/networks', { network: {} })
  const cidr = `10.0.${third}.0/24`
  const subnet = await net.make(admin, 'POST', '/subnets', { subnet: { network_id: network.id, ip_version: 4, cidr } })
  const router = await net.make(admin, 'POST', '/routers', { router: {} })
  await net.make(admin, 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
  return network
}

async function portsOf(net: TestNetwork, network: Item): Promise<Item[]> {
  const { body } = await net.send(admin, 'GET', `/v2.0/ports?network_id=${network.id}`)
  return body['ports'] as Item[]
}

test('each part of a host is told what concerns it, and no more', async (t) => {
  const net = await start(t, { h1: agentParts })
  const network = await makeRouted(net, 1)
  const port = { network_id: network.id, device_owner: 'compute:nova', device_id: 'server', 'binding:host_id': 'h1' }
  await net.make(admin, 'POST', '/ports', { port })
  const whole = await net.hostState('h1')
  const server = rpcClient(net.bus.forHost('h1'), neutronContract)
  const told = async (...parts: AgentPart[]) =>
    (await server.pullHost(null, { host: 'h1', revision: null, parts: followers(parts) })).state!
  for (const parts of [...agentParts.map((part) => [part]), ['dhcp', 'l3'], ['l2', 'metadata']] as AgentPart[][])
    assert.deepEqual(await told(...parts), sliceOf(whole, parts), parts.join())
  const countsOf = async (part: AgentPart) => {
    const { networks, ports, securityGroups, dhcp, routers } = await told(part)
    const clients = routers.flatMap(({ metadataClients }) => metadataClients)
    return [networks, ports, securityGroups, dhcp, routers, clients].map(({ length }) => length)
  }
  assert.deepEqual(await countsOf('l2'), [1, 3, 1, 0, 0, 0])
  assert.deepEqual(await countsOf('dhcp'), [1, 0, 0, 1, 0, 0])
  assert.deepEqual(await countsOf('l3'), [1, 0, 0, 0, 1, 0])
  assert.deepEqual(await countsOf('metadata'), [0, 0, 0, 1, 1, 1])
})

test('DHCP and routers go to hosts whose agents do that, where ports can be wired; each agent tells of its own', async (t) => {
  const net = await start(t, {
    dhcp: ['l2', 'dhcp'],
    l3: ['l2', 'l3'],
    neither: ['l2', 'metadata'],
    // Without an L2 agent nothing could be plugged in, however little there is to do.
    bare: ['dhcp', 'l3', 'metadata'],
  })
  for (const third of [1, 2, 3]) {
    const network = await makeRouted(net, third)
    const placed = async () =>
      (await portsOf(net, network))
        .map((port) => [port['device_owner'], port['binding:host_id'], port['status']].join(' '))
        .sort()
    const wanted = ['network:dhcp dhcp ACTIVE', 'network:router_interface l3 ACTIVE']
    await waitFor(async () => (await placed()).every((each) => each.endsWith('ACTIVE')) || undefined, {
      what: 'both are wired',
      timeoutMs: 20_000,
    })
    assert.deepEqual(await placed(), wanted)
  }
})

test('what waits for an agent is its own when it comes', async (t) => {
  const net = await start(t, { h1: ['l2'] })
  const network = await makeRouted(net, 1)
  const placed = async () =>
    (await portsOf(net, network)).map((port) => `${port['device_owner']} ${port['binding:host_id']}`).sort()
  assert.deepEqual(await placed(), ['network:router_interface '])
  t.after(await fakeAgent(net.bus.forHost('h1'), 'h1', ['l3']))
  assert.deepEqual(await placed(), ['network:router_interface h1'])
  t.after(await fakeAgent(net.bus.forHost('h1'), 'h1', ['dhcp']))
  assert.deepEqual(await placed(), ['network:dhcp h1', 'network:router_interface h1'])
})

test('P21: a part that followed another database is in doubt alone, until it is told to follow this one', async (t) => {
  const net = await start(t, { h1: ['l2', 'dhcp'] })
  const server = rpcClient(net.bus.forHost('h1'), neutronContract)
  const operator = rpcClient(net.bus.forHost(operatorName), neutronOperatorContract)
  const keeping = async () => (await operator.listKeepingHosts(null, {})).hosts.map(({ host, parts }) => [host, parts])
  const elsewhere = { name: 'l3' as const, known: { epoch: 'elsewhere', revision: 1, host: 'h1' } }
  const pull = (...parts: Parameters<typeof server.pullHost>[1]['parts']) =>
    server.pullHost(null, { host: 'h1', revision: null, parts })
  const namesOf = ({ doubted }: Awaited<ReturnType<typeof pull>>) => doubted.map(({ name }) => name)
  assert.deepEqual(namesOf(await pull(...followers(['metadata']), elsewhere)), ['l3'])
  assert.deepEqual(namesOf(await pull(...followers(['l2']))), [])
  assert.deepEqual(await keeping(), [['h1', ['l3']]])
  assert.deepEqual(namesOf(await pull(...followers(['l3']))), [])
  assert.deepEqual(await keeping(), [])
})

test('P21: a host that has another name now is in doubt: what it is told is somebody else’s', async (t) => {
  const net = await start(t, { h1: ['l2'] })
  const server = rpcClient(net.bus.forHost('h1'), neutronContract)
  const { state, epoch } = await server.pullHost(null, { host: 'h1', revision: null, parts: followers(['l2']) })
  const known = { epoch, revision: state!.revision, host: 'h1' }
  const renamed = rpcClient(net.bus.forHost('h2'), neutronContract)
  const pulled = await renamed.pullHost(null, { host: 'h2', revision: null, parts: [{ name: 'l2', known }] })
  assert.deepEqual(pulled.doubted, [{ name: 'l2', reason: 'the network database knew this host as h1' }])
})

test('every agent of a host is told to look, whatever process it is in', async (t) => {
  const net = await start(t, {})
  const heard = new Set<AgentPart>()
  for (const part of agentParts)
    net.bus.forHost('h1').serve(agentContracts[part].topic, 'h1', async () => void heard.add(part))
  await net.make(admin, 'POST', '/networks', { network: {} })
  await waitFor(() => heard.size === agentParts.length || undefined, { what: 'all have heard', timeoutMs: 20_000 })
})
