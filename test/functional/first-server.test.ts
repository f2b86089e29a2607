import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, login, type Api } from '../api.ts'
import { createTestCloud, type TestCloud } from '../cloud.ts'

interface Server {
  id: string
  status: string
  addresses: Record<string, { addr: string }[]>
  fault?: { message: string }
}

let cloud: TestCloud
let admin: Api
let demo: Api

before(async () => {
  cloud = await createTestCloud({ args: ['--fake'] })
  await cloud.up()
  admin = await login(cloud, 'admin')
  demo = await login(cloud, 'demo')
})
after(() => cloud?.destroy())

const imageId = async () => {
  const { body } = await demo.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')
  return body.images[0]!.id
}
const networkId = async () => {
  const { body } = await demo.call<{ networks: { id: string }[] }>('network', 'GET', '/v2.0/networks?name=private')
  return body.networks[0]!.id
}
const create = async (extra: object = {}) => {
  const server = {
    name: 'one',
    flavorRef: '1',
    imageRef: await imageId(),
    networks: [{ uuid: await networkId() }],
    ...extra,
  }
  return demo.call<{ server: Server }>('compute', 'POST', '/v2.1/servers', { server })
}
const show = async (id: string) =>
  (await demo.call<{ server: Server }>('compute', 'GET', `/v2.1/servers/${id}`)).body.server
const becomes = (id: string, status: string) =>
  eventually(`server ${id} is ${status}`, async () => {
    const server = await show(id)
    if (server.status === 'ERROR' && status !== 'ERROR') throw new Error(`ERROR: ${server.fault?.message}`)
    return server.status === status && server
  })

test('every role is up', async () => {
  const { code, output } = await cloud.nephos('status', '--json')
  assert.equal(code, 0, output)
})

test('first use made flavors, networks, the image and the catalog', async () => {
  const { body: flavors } = await demo.call<{ flavors: { name: string }[] }>('compute', 'GET', '/v2.1/flavors')
  assert.deepEqual(
    flavors.flavors.map((flavor) => flavor.name).filter((name) => /^m1\.(nano|tiny|small|medium|large)$/.test(name))
      .length,
    5,
  )
  const { body: networks } = await demo.call<{ networks: { name: string }[] }>('network', 'GET', '/v2.0/networks')
  assert.deepEqual(networks.networks.map((network) => network.name).sort(), ['private', 'provider'])
  const { body: services } = await admin.call<{ services: { type: string }[] }>('identity', 'GET', '/v3/services')
  assert.deepEqual(services.services.map((service) => service.type).sort(), [
    'compute',
    'identity',
    'image',
    'network',
    'object-store',
    'placement',
  ])
})

test('a server is built, stopped, started, rebooted, paused and deleted without a trace', async () => {
  const created = await create()
  assert.equal(created.status, 202)
  const { id } = created.body.server
  const active = await becomes(id, 'ACTIVE')
  assert.match(active.addresses['private']![0]!.addr, /^10\.0\.0\./)
  const action = (body: object) => demo.call('compute', 'POST', `/v2.1/servers/${id}/action`, body)
  assert.equal((await action({ 'os-stop': null })).status, 202)
  await becomes(id, 'SHUTOFF')
  assert.equal((await action({ 'os-stop': null })).status, 409)
  await action({ 'os-start': null })
  await becomes(id, 'ACTIVE')
  await action({ reboot: { type: 'HARD' } })
  await becomes(id, 'ACTIVE')
  await action({ pause: null })
  await becomes(id, 'PAUSED')
  await action({ unpause: null })
  await becomes(id, 'ACTIVE')
  const allocation = await admin.call<{ allocations: object }>('placement', 'GET', `/allocations/${id}`)
  assert.equal(Object.keys(allocation.body.allocations).length, 1)
  assert.equal((await demo.call('compute', 'DELETE', `/v2.1/servers/${id}`)).status, 204)
  await eventually('it is gone', async () => (await demo.call('compute', 'GET', `/v2.1/servers/${id}`)).status === 404)
  const left = await admin.call<{ allocations: object }>('placement', 'GET', `/allocations/${id}`)
  assert.deepEqual(left.body.allocations, {})
  const ports = await demo.call<{ ports: object[] }>('network', 'GET', `/v2.0/ports?device_id=${id}`)
  assert.deepEqual(ports.body.ports, [])
})

test('a server that fits nowhere says which host refused it and why', async () => {
  const flavor = { flavor: { name: 'huge', ram: 99_999_999, vcpus: 500, disk: 1, id: 'huge' } }
  await admin.call('compute', 'POST', '/v2.1/flavors', flavor)
  const version = { 'OpenStack-API-Version': 'compute 2.37' }
  const server = { name: 'huge', flavorRef: 'huge', imageRef: await imageId(), networks: 'none' }
  const created = await admin.call<{ server: Server }>('compute', 'POST', '/v2.1/servers', { server }, version)
  assert.equal(created.status, 202)
  const path = `/v2.1/servers/${created.body.server.id}`
  const failed = await eventually('it is in ERROR', async () => {
    const { body } = await admin.call<{ server: Server }>('compute', 'GET', path)
    return body.server.status === 'ERROR' && body.server
  })
  assert.match(failed.fault?.message ?? '', /No valid host/)
  assert.equal((await admin.call('compute', 'DELETE', path)).status, 204)
})

test("B5: another project's server does not exist", async () => {
  const created = await create()
  const { id } = created.body.server
  await becomes(id, 'ACTIVE')
  const project = await admin.call<{ project: { id: string } }>('identity', 'POST', '/v3/projects', {
    project: { name: 'other', domain_id: 'default' },
  })
  const user = await admin.call<{ user: { id: string } }>('identity', 'POST', '/v3/users', {
    user: { name: 'other', password: 'pw', domain_id: 'default' },
  })
  const roles = await admin.call<{ roles: { id: string }[] }>('identity', 'GET', '/v3/roles?name=member')
  await admin.call(
    'identity',
    'PUT',
    `/v3/projects/${project.body.project.id}/users/${user.body.user.id}/roles/${roles.body.roles[0]!.id}`,
  )
  const other = await login(cloud, 'demo', { name: 'other', password: 'pw', project: 'other' })
  assert.equal((await other.call('compute', 'GET', `/v2.1/servers/${id}`)).status, 404)
  assert.equal((await other.call('compute', 'DELETE', `/v2.1/servers/${id}`)).status, 404)
  await demo.call('compute', 'DELETE', `/v2.1/servers/${id}`)
})
