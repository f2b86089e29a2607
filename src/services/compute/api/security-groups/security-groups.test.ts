import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { eventually, FakeAgent, TestCloud, type Tree } from '../../testing/cloud.ts'
import { imageId, networkId } from '../../testing/fakes.ts'

const text = (value: Tree | undefined) => value as unknown as string
const names = (value: Tree | undefined) => (value as unknown as { name: string }[]).map(({ name }) => name)

async function setUp(t: TestContext) {
  const cloud = new TestCloud()
  await cloud.start()
  t.after(() => cloud.stop())
  const agent = new FakeAgent(cloud.bus, 'h1')
  await agent.heartbeat()
  return { cloud, agent }
}

async function makeServer(cloud: TestCloud): Promise<string> {
  await cloud.call('admin', 'POST', '/flavors', { flavor: { name: 'm1.tiny', id: '1', ram: 512, vcpus: 1, disk: 1 } })
  const server = { name: 'first', imageRef: imageId, flavorRef: '1', networks: [{ uuid: networkId }] }
  const id = text((await cloud.call('demo', 'POST', '/servers', { server })).body['server']!['id'])
  const status = async () => text((await cloud.call('demo', 'GET', `/servers/${id}`)).body['server']!['status'])
  await eventually(async () => (await status()) === 'ACTIVE', 'ACTIVE')
  return id
}

test('a group is added to a server and taken again', async (t) => {
  const { cloud } = await setUp(t)
  const id = await makeServer(cloud)
  const act = (action: object, token = 'demo') => cloud.call(token, 'POST', `/servers/${id}/action`, action)
  const shown = async () =>
    names((await cloud.call('demo', 'GET', `/servers/${id}`)).body['server']!['security_groups'])
  assert.equal((await act({ addSecurityGroup: { name: 'web' } })).status, 202)
  assert.deepEqual(await shown(), ['default', 'web'])
  const listed = await cloud.call('demo', 'GET', `/servers/${id}/os-security-groups`)
  assert.deepEqual(names(listed.body['security_groups']), ['default', 'web'])
  assert.equal((await act({ removeSecurityGroup: { name: 'default' } })).status, 202)
  assert.deepEqual(await shown(), ['web'])
  assert.equal((await act({ removeSecurityGroup: { name: 'default' } })).status, 404)
  assert.equal((await act({ addSecurityGroup: { name: 'nothing' } })).status, 404)
  assert.equal((await act({ addSecurityGroup: { name: ' ' } })).status, 404)
  assert.equal((await act({ addSecurityGroup: { name: '' } })).status, 400)
  assert.equal((await act({ addSecurityGroup: { name: 'web' } }, 'reader')).status, 403)
  assert.equal((await act({ addSecurityGroup: { name: 'web' } }, 'other')).status, 404)
})

test('groups and rules in nova’s own form, until 2.36', async (t) => {
  const { cloud } = await setUp(t)
  const call = (method: string, path: string, body?: object, token = 'demo') =>
    cloud.call(token, method, path, body, '2.1')
  const made = await call('POST', '/os-security-groups', { security_group: { name: ' db ', description: 'd' } })
  assert.equal(made.status, 200)
  const group = made.body['security_group']!
  assert.equal(text(group['name']), ' db ', 'as it was given')
  const id = text(group['id'])
  const rule = (values: object) =>
    call('POST', '/os-security-group-rules', { security_group_rule: { parent_group_id: id, ...values } })
  const tcp = await rule({ ip_protocol: 'TCP', from_port: 80, to_port: '90', cidr: '10.0.0.0/8' })
  assert.deepEqual(
    { ...(tcp.body['security_group_rule'] as object), id: '' },
    {
      id: '',
      parent_group_id: id,
      ip_protocol: 'tcp',
      from_port: 80,
      to_port: 90,
      group: {},
      ip_range: { cidr: '10.0.0.0/8' },
    },
  )
  const icmp = await rule({ ip_protocol: 'icmp', from_port: -1, to_port: -1 })
  assert.equal(Number(icmp.body['security_group_rule']!['from_port']), -1)
  for (const wrong of [
    {},
    { ip_protocol: 'tcp' },
    { ip_protocol: 'gre', from_port: 1, to_port: 2 },
    { ip_protocol: 'tcp', from_port: 9, to_port: 2 },
    { ip_protocol: 'tcp', from_port: 0, to_port: 2 },
    { ip_protocol: 'udp', from_port: 1, to_port: 65536 },
    { ip_protocol: 'icmp', from_port: 256, to_port: -1 },
    { ip_protocol: 6, from_port: 1, to_port: 2 },
    { ip_protocol: 'tcp', from_port: 'x', to_port: 2 },
    { ip_protocol: 'tcp', from_port: 1, to_port: 2, cidr: 'x' },
  ])
    assert.equal((await rule(wrong)).status, 400, JSON.stringify(wrong))
  const shown = await call('GET', `/os-security-groups/${id}`)
  assert.equal((shown.body['security_group']!['rules'] as unknown as object[]).length, 2)
  assert.equal(
    (await call('DELETE', `/os-security-group-rules/${text(tcp.body['security_group_rule']!['id'])}`)).status,
    202,
  )
  assert.equal(
    (await call('PUT', `/os-security-groups/${id}`, { security_group: { name: 'n', description: '' } })).status,
    200,
  )
  assert.deepEqual(names((await call('GET', '/os-security-groups')).body['security_groups']), ['default', 'n', 'web'])
  assert.equal((await call('DELETE', `/os-security-groups/${id}`, undefined, 'reader')).status, 403)
  assert.equal((await call('DELETE', `/os-security-groups/${id}`)).status, 202)
  assert.equal((await call('GET', `/os-security-groups/${id}`)).status, 404)
  assert.equal((await cloud.call('demo', 'GET', '/os-security-groups', undefined, '2.36')).status, 404)
})

test('a hypervisor tells how long it is up, where its driver knows', async (t) => {
  const { cloud, agent } = await setUp(t)
  const list = await cloud.call('admin', 'GET', '/os-hypervisors', undefined, '2.1')
  const { id } = (list.body['hypervisors'] as unknown as { id: number }[])[0]!
  assert.equal((await cloud.call('admin', 'GET', `/os-hypervisors/${id}/uptime`, undefined, '2.1')).status, 501)
  agent.uptime = ' 10:01:16 up 3 days'
  const answer = await cloud.call('admin', 'GET', `/os-hypervisors/${id}/uptime`, undefined, '2.1')
  assert.equal(text(answer.body['hypervisor']!['uptime']), agent.uptime)
  const detail = await cloud.call('admin', 'GET', '/os-hypervisors/detail', undefined, '2.88')
  assert.equal((detail.body['hypervisors'] as unknown as { uptime: string }[])[0]!.uptime, agent.uptime)
})
