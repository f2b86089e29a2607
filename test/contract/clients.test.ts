/**
 * What services ask each other, asked of the real ones: the answers are what the clients' types say, as every answer in
 * tests is held to its route's schema (src/platform/testing/answers.ts).
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { Secret } from '../../src/platform/auth/secret.ts'
import { localTransport, ServiceClient, withQuery, type Transport } from '../../src/platform/http/client.ts'
import { identityApi } from '../../src/services/compute/clients/identity.ts'
import { imageApi } from '../../src/services/compute/clients/image.ts'
import { networkApi } from '../../src/services/compute/clients/network.ts'
import { placementApi } from '../../src/services/compute/clients/placement.ts'
import { securityGroupApi } from '../../src/services/compute/clients/security-groups.ts'
import { IdentityClient } from '../../src/services/identity/client.ts'
import { createTestIdentity } from '../../src/services/identity/testing/identity.ts'
import { startImage } from '../../src/services/image/testing/image.ts'
import { createTestNetwork, type TestNetwork } from '../../src/services/network/testing/service.ts'
import { startPlacement } from '../../src/services/placement/testing/placement.ts'

/** As the bearer of a token of the test service. */
const clientOf = (transport: Transport, token: string, headers: Record<string, string> = {}) =>
  new ServiceClient('test', transport, async () => token, headers)

const networkTransport = ({ send }: TestNetwork): Transport => ({
  send: ({ method, path, json, headers }) => send(headers?.['X-Auth-Token'] ?? null, method, path, json),
})

test('a query has every value of a name, and nothing for what is not said', () => {
  assert.equal(withQuery('/x', {}), '/x')
  assert.equal(withQuery('/x', { a: ['1', '2'], b: undefined, c: 'ä &' }), '/x?a=1&a=2&c=%C3%A4+%26')
})

test('placement: a node is registered, filled, claimed and given back', async (t) => {
  const service = await startPlacement()
  t.after(() => service.stop())
  const headers = { 'OpenStack-API-Version': 'placement 1.39' }
  const placement = placementApi(clientOf(localTransport(service.app), 'admin', headers))
  const node = { id: randomUUID(), name: 'node' }
  assert.equal(await placement.ensureProvider(node), node.id)
  assert.equal(await placement.ensureProvider({ ...node, name: 'renamed' }), node.id)
  assert.equal(await placement.ensureProvider({ id: randomUUID(), name: 'renamed' }), node.id)
  const all = { reserved: 0, min_unit: 1, max_unit: 4, step_size: 1, allocation_ratio: 1 }
  await placement.setInventory(node.id, { VCPU: { ...all, total: 4 } })
  await placement.changeTraits(node.id, { add: ['CUSTOM_A', 'CUSTOM_B'], remove: [] })
  await placement.changeTraits(node.id, { add: [], remove: ['CUSTOM_B'] })
  assert.deepEqual(
    [await placement.knows('traits', 'CUSTOM_A'), await placement.knows('traits', 'CUSTOM_C')],
    [true, false],
  )
  const ask = { resources: { VCPU: 3 }, required: ['CUSTOM_A'], forbidden: ['CUSTOM_B'], limit: 5 }
  const [candidate] = await placement.allocationCandidates(ask)
  assert.deepEqual(candidate, {
    providerId: node.id,
    resources: { VCPU: 3 },
    summary: { VCPU: { capacity: 4, used: 0 } },
  })
  const server = { id: randomUUID(), projectId: 'p', userId: 'u' }
  assert.equal(await placement.claim(server, candidate!), true)
  assert.equal(await placement.claim({ ...server, id: randomUUID() }, candidate!), false)
  assert.deepEqual(await placement.getAllocations(server.id), [{ providerId: node.id }])
  assert.equal(await placement.isServer(server.id), true)
  assert.deepEqual(await placement.consumersOf(node.id), [server.id])
  assert.deepEqual(await placement.consumersOf(randomUUID()), [])
  await placement.deleteAllocations(server.id)
  await placement.deleteAllocations(server.id)
  await placement.deleteProvider(node.id)
  assert.deepEqual(await placement.allocationCandidates({ ...ask, required: [], forbidden: [] }), [])
})

test('network: ports, addresses and networks, with the rights of nova and of a user', async (t) => {
  const service = await createTestNetwork()
  t.after(() => service.close())
  const network = networkApi(clientOf(networkTransport(service), 'admin@ops'))
  const member = new Secret('member@one')
  const { id: networkId } = await service.make('member@one', 'POST', '/networks', { network: { name: 'n' } })
  const subnet = { network_id: networkId, ip_version: 4, cidr: '10.0.0.0/24', dns_nameservers: ['10.0.0.9'] }
  const { id: subnetId } = await service.make('member@one', 'POST', '/subnets', { subnet })
  const [seen] = await network.listNetworks({ projectId: 'one' }, member)
  assert.deepEqual([seen?.id, seen?.subnets, seen?.isShared], [networkId, [subnetId], false])
  assert.deepEqual(await network.listNetworks({ ids: [networkId] }, new Secret('member@two')), [])
  const [{ cidr, gatewayIp, dnsNameservers, version } = {}] = await network.listSubnets([subnetId])
  assert.deepEqual([cidr, gatewayIp, dnsNameservers, version], ['10.0.0.0/24', '10.0.0.1', ['10.0.0.9'], 4])
  assert.deepEqual(
    (await network.listSecurityGroups('one', member)).map(({ name }) => name),
    ['default'],
  )
  const wanted = { networkId, projectId: 'one', deviceId: 's', deviceOwner: 'compute:nova', hostId: 'h1' }
  const port = await network.createPort({ ...wanted, fixedIp: '10.0.0.7' })
  assert.deepEqual([port.hostId, port.vifType, port.fixedIps], ['h1', 'bridge', [{ subnetId, address: '10.0.0.7' }]])
  // Where a port is, its owner is not told.
  const own = await network.getPort(port.id, member)
  assert.deepEqual([own?.id, own?.hostId, own?.vifType], [port.id, '', ''])
  assert.equal(await network.getPort(randomUUID()), undefined)
  assert.equal((await network.listPorts({ deviceId: 's' })).length, 1)
  assert.equal((await network.listPorts({ networkId, address: '10.0.0.7' })).length, 1)
  assert.equal((await network.listHostPorts('h1')).filter(({ id }) => id === port.id).length, 1)
  const moved = await network.updatePort(port.id, { deviceId: 't', deviceOwner: 'compute:nova', hostId: '' })
  assert.deepEqual([moved.deviceId, moved.hostId], ['t', ''])
  assert.deepEqual(await network.listFloatingIps([port.id]), [])
  assert.equal(await network.canAutoAllocate('one', member), false)
  await network.deletePort(port.id)
  await network.deletePort(port.id)
})

test('network: security groups with the rights of the user who asks', async (t) => {
  const service = await createTestNetwork()
  t.after(() => service.close())
  const groups = securityGroupApi(clientOf(networkTransport(service), 'none@none'))
  const [member, other] = [new Secret('member@one'), new Secret('member@two')]
  const group = await groups.create(member, { name: 'web', description: '' })
  const rule = await groups.createRule(member, {
    groupId: group.id,
    protocol: 'tcp',
    from: 80,
    to: 80,
    cidr: '10.0.0.0/8',
    remoteGroupId: null,
    isIpv6: false,
  })
  const changed = await groups.update(member, group.id, { name: 'www', description: 'd' })
  assert.deepEqual([changed.name, changed.rules], ['www', [rule]])
  assert.deepEqual(await groups.findRule(member, rule.id), rule)
  assert.equal(await groups.get(other, group.id), undefined)
  assert.deepEqual(
    (await groups.list(member, { ids: [group.id] })).map(({ name }) => name),
    ['www'],
  )
  assert.deepEqual(await groups.groupsOfPorts(member, 'nobody'), [])
  await groups.removeRule(member, rule.id)
  assert.equal(await groups.findRule(member, rule.id), undefined)
  await groups.remove(member, group.id)
})

test('image: what is of glance and what is of the owner are told apart', async (t) => {
  const service = await startImage()
  t.after(() => service.stop())
  const { id } = await service.create({ hw_disk_bus: 'virtio', min_ram: 64, tags: ['x'] }, 'one')
  const image = imageApi(clientOf(localTransport(service.app), 'unused'))
  assert.deepEqual(await image.getImage(id, new Secret('one')), {
    id,
    name: 'test',
    status: 'queued',
    diskFormat: 'raw',
    minDisk: 0,
    minRam: 64,
    size: null,
    virtualSize: null,
    properties: { hw_disk_bus: 'virtio' },
  })
  assert.equal(await image.getImage(id, new Secret('two')), undefined)
})

test('identity: projects, the catalog and limits', async (t) => {
  const service = await createTestIdentity()
  t.after(() => service.close())
  const { admin } = service
  const transport: Transport = {
    async send({ method, path, json, headers }) {
      const answer = await service.send(headers?.['X-Auth-Token'] ?? '', method, path.replace(/^\/v3/, ''), json)
      return answer
    },
  }
  const client = clientOf(transport, admin)
  const { project } = await service.whole('POST', '/projects', { project: { name: 'known' } })
  const { hasProject } = identityApi(client)
  assert.equal(await hasProject(project!.id, new Secret(admin)), true)
  assert.equal(await hasProject('unknown', new Secret(admin)), false)
  const identity = new IdentityClient(client)
  const { service: glance } = await service.whole('POST', '/services', { service: { type: 'image', name: 'glance' } })
  const limit = { service_id: glance!.id, resource_name: 'image_count_total', default_limit: 7 }
  await service.whole('POST', '/registered_limits', { registered_limits: [limit] })
  const one = { service_id: glance!.id, project_id: project!.id, resource_name: 'image_count_total', resource_limit: 3 }
  await service.whole('POST', '/limits', { limits: [one] })
  assert.deepEqual(
    (await identity.listServices({ type: 'image' })).map(({ id }) => id),
    [glance!.id],
  )
  const registered = await identity.listRegisteredLimits({ service_id: glance!.id })
  assert.deepEqual(
    registered.map((each) => each.default_limit),
    [7],
  )
  const own = await identity.listLimits({ service_id: glance!.id, project_id: project!.id })
  assert.deepEqual(
    own.map((each) => each.resource_limit),
    [3],
  )
  assert.ok(Array.isArray(await identity.listEndpoints()))
})
