import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { eventually, FakeAgent, p1, TestCloud, type Tree } from '../../testing/cloud.ts'
import { imageId, networkId } from '../../testing/fakes.ts'

const text = (value: Tree | undefined) => value as unknown as string

async function cloudWithServer(t: TestContext) {
  const cloud = new TestCloud()
  await cloud.start()
  t.after(() => cloud.stop())
  const agent = new FakeAgent(cloud.bus, 'h1')
  await agent.heartbeat()
  await cloud.call('admin', 'POST', '/flavors', { flavor: { name: 'm1.tiny', id: '1', ram: 512, vcpus: 1, disk: 1 } })
  const server = { name: 'first', imageRef: imageId, flavorRef: '1', networks: [{ uuid: networkId }] }
  const id = text((await cloud.call('demo', 'POST', '/servers', { server })).body['server']!['id'])
  const status = async () => text((await cloud.call('demo', 'GET', `/servers/${id}`)).body['server']!['status'])
  await eventually(async () => (await status()) === 'ACTIVE', 'ACTIVE')
  const path = `/servers/${id}/os-interface`
  const attach = (interfaceAttachment: object, version?: string) =>
    cloud.call('demo', 'POST', path, { interfaceAttachment }, version)
  const listed = async () =>
    (await cloud.call('demo', 'GET', path)).body['interfaceAttachments'] as unknown as { port_id: string }[]
  const addresses = async () =>
    (await cloud.call('demo', 'GET', `/servers/${id}`)).body['server']!['addresses']!['private'] as unknown as {
      addr: string
      'OS-EXT-IPS:type': string
    }[]
  const actions = async () =>
    (await cloud.call('demo', 'GET', `/servers/${id}/os-instance-actions`)).body['instanceActions'] as unknown as {
      action: string
      message: string | null
    }[]
  return { cloud, agent, id, path, attach, listed, addresses, actions }
}

test('a network is attached and detached again; nothing of it is left', async (t) => {
  const { cloud, path, attach, listed, addresses, actions } = await cloudWithServer(t)
  const answer = await attach({ net_id: networkId, tag: 'second' }, '2.70')
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const made = answer.body['interfaceAttachment'] as unknown as { port_id: string; net_id: string; tag: string }
  assert.deepEqual([made.net_id, made.tag], [networkId, 'second'])
  assert.deepEqual([(await listed()).length, (await addresses()).length, cloud.network.ports.size], [2, 2, 2])

  assert.equal((await cloud.call('other', 'DELETE', `${path}/${made.port_id}`)).status, 404)
  assert.equal((await cloud.call('reader', 'DELETE', `${path}/${made.port_id}`)).status, 403)
  assert.equal((await cloud.call('demo', 'DELETE', `${path}/${made.port_id}`)).status, 202)
  await eventually(async () => cloud.network.ports.size === 1, 'the port is gone')
  assert.equal((await listed()).length, 1)
  assert.equal((await cloud.call('demo', 'DELETE', `${path}/${made.port_id}`)).status, 404)
  const done = (await actions()).filter(({ message }) => message === null).map(({ action }) => action)
  assert.deepEqual(done, ['detach_interface', 'attach_interface', 'create'])
})

test('a port of the user is attached, and is free again after detaching', async (t) => {
  const { cloud, id, path, attach } = await cloudWithServer(t)
  const port = await cloud.network.createPort({ networkId, projectId: p1, deviceId: '', deviceOwner: '', hostId: '' })
  assert.equal((await attach({ port_id: port.id })).status, 200)
  assert.deepEqual([cloud.network.ports.get(port.id)!.deviceId, cloud.network.ports.get(port.id)!.hostId], [id, 'h1'])
  assert.equal((await attach({ port_id: port.id })).status, 409)
  assert.equal((await cloud.call('demo', 'DELETE', `${path}/${port.id}`)).status, 202)
  await eventually(async () => cloud.network.ports.get(port.id)!.deviceId === '', 'the port is free')
})

test('what cannot be attached is refused as nova does', async (t) => {
  const { cloud, id, attach } = await cloudWithServer(t)
  const unknown = '99999999-9999-4999-8999-999999999999'
  const messages = async (attachment: object) => {
    const { status, body } = await attach(attachment)
    return [status, text(Object.values(body)[0]!['message'])]
  }
  assert.deepEqual(await messages({ net_id: networkId, port_id: unknown }), [
    400,
    'Must not input both network_id and port_id',
  ])
  assert.deepEqual(await messages({ fixed_ips: [{ ip_address: '10.0.0.9' }] }), [
    400,
    'Must input network_id when request IP address',
  ])
  assert.deepEqual(await messages({ port_id: unknown }), [404, `Port id ${unknown} could not be found.`])
  assert.equal((await attach({ net_id: networkId, tag: 'x' }, '2.48')).status, 400)
  assert.equal((await cloud.call('demo', 'POST', `/servers/${id}/action`, { lock: null })).status, 202)
  assert.equal((await cloud.call('other', 'POST', `/servers/${id}/os-interface`, {})).status, 404)
  await cloud.call('demo', 'POST', `/servers/${id}/action`, { unlock: null })
  await cloud.call('demo', 'POST', `/servers/${id}/action`, { pause: null })
  const paused = await eventually(async () => {
    const answer = await attach({ net_id: networkId })
    return answer.status === 200 && answer
  }, 'a paused server takes one')
  assert.equal(paused.status, 200)
})

test('a guest that does not take the card leaves no port behind; one that keeps it keeps its port', async (t) => {
  const { cloud, agent, path, attach, listed, actions } = await cloudWithServer(t)
  agent.portFailure = { message: 'The server has no free slot.', detail: 'rp' }
  const answer = await attach({ net_id: networkId })
  assert.equal(answer.status, 500)
  assert.match(text(answer.body['computeFault']!['message']), /^Failed to attach network adapter device to /)
  assert.deepEqual([(await listed()).length, cloud.network.ports.size], [1, 1])

  const [first] = await listed()
  assert.equal((await cloud.call('demo', 'DELETE', `${path}/${first!.port_id}`)).status, 202)
  const isOver = async () => (await actions()).some((each) => each.action === 'detach_interface' && each.message)
  await eventually(isOver, 'the detach failed')
  assert.deepEqual([(await listed()).length, cloud.network.ports.size], [1, 1])
})

test('an attach that was cut is completed by the next process', async (t) => {
  const { cloud, attach, listed } = await cloudWithServer(t)
  const original = cloud.network.createPort.bind(cloud.network)
  let isDead = false
  cloud.network.createPort = async (asked) => {
    const port = await original(asked)
    return isDead ? port : ((isDead = true), new Promise<never>(() => undefined))
  }
  void attach({ net_id: networkId })
  await eventually(async () => isDead, 'cut')
  await cloud.start()
  await eventually(async () => (await listed()).length === 2, 'the second port')
  assert.equal(cloud.network.ports.size, 2)
})

test('neutron tells of floating IPs and of ports that were deleted', async (t) => {
  const { cloud, id, listed, addresses } = await cloudWithServer(t)
  const [{ port_id: port }] = (await listed()) as [{ port_id: string }]
  const tell = (name: string) =>
    cloud.call('admin', 'POST', '/os-server-external-events', { events: [{ name, server_uuid: id, tag: port }] })
  cloud.network.floatingIps.push({ address: '172.24.4.10', portId: port })
  assert.equal((await tell('network-changed')).status, 200)
  const types = async () => (await addresses()).map((each) => each['OS-EXT-IPS:type'])
  await eventually(async () => (await types()).join() === 'fixed,floating', 'the floating IP')
  const found = await cloud.call('demo', 'GET', `/servers/${id}/ips`)
  assert.match(JSON.stringify(found.body), /172\.24\.4\.10/)
  cloud.network.floatingIps.pop()
  await tell('network-changed')
  await eventually(async () => (await types()).join() === 'fixed', 'only the fixed one')

  cloud.network.ports.delete(port)
  await tell('network-vif-deleted')
  await eventually(async () => (await listed()).length === 0, 'the interface is gone')
})
