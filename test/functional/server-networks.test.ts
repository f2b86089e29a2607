/** What a server gets of networks, groups of servers and projects, with the real neutron, placement and keystone. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, login, type Api } from '../api.ts'
import { createTestCloud, type TestCloud } from '../cloud.ts'

interface Server {
  id: string
  status: string
  addresses: Record<string, { addr: string }[]>
  security_groups?: { name: string }[]
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

const newest = { 'OpenStack-API-Version': 'compute 2.96, placement 1.39' }
const create = async (api: Api, more: object) => {
  const { body } = await api.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')
  const server = { name: 's', flavorRef: '1', imageRef: body.images[0]!.id, ...more }
  return api.call<{ server: Server; badRequest?: { message: string } }>(
    'compute',
    'POST',
    '/v2.1/servers',
    { server },
    newest,
  )
}
const ended = (api: Api, id: string) =>
  eventually(`server ${id} is built or not`, async () => {
    const { body } = await api.call<{ server: Server }>('compute', 'GET', `/v2.1/servers/${id}`)
    return body.server.status !== 'BUILD' && body.server
  })

test('a network without port security: no groups shown, named ones refused', async () => {
  const { body } = await demo.call<{ network: { id: string } }>('network', 'POST', '/v2.0/networks', {
    network: { name: 'open', port_security_enabled: false },
  })
  const networks = [{ uuid: body.network.id }]
  const bare = await create(demo, { networks })
  assert.equal(bare.status, 400)
  assert.match(bare.body.badRequest!.message, /requires a subnet/)
  const subnet = { network_id: body.network.id, ip_version: 4, cidr: '10.77.0.0/24' }
  await demo.call('network', 'POST', '/v2.0/subnets', { subnet })
  const server = await ended(demo, (await create(demo, { networks })).body.server.id)
  assert.equal(server.status, 'ACTIVE', server.fault?.message)
  assert.equal(server.security_groups, undefined)
  const group = { security_group: { name: 'web' } }
  await demo.call('network', 'POST', '/v2.0/security-groups', group)
  const refused = await create(demo, { networks, security_groups: [{ name: 'web' }] })
  assert.equal(refused.status, 400)
  assert.match(refused.body.badRequest!.message, /port_security_enabled/)
})

test('two networks, none named: 409; an address in use: 400', async () => {
  assert.equal((await create(demo, { networks: 'auto' })).status, 409)
  const { body } = await demo.call<{ networks: { id: string }[] }>('network', 'GET', '/v2.0/networks?name=open')
  const networks = [{ uuid: body.networks[0]!.id, fixed_ip: '10.77.0.77' }]
  const server = await ended(demo, (await create(demo, { networks })).body.server.id)
  assert.equal(server.status, 'ACTIVE', server.fault?.message)
  const refused = await create(demo, { networks })
  assert.equal(refused.status, 400)
  assert.match(refused.body.badRequest!.message, new RegExp(`already in use on instance ${server.id}`))
})

test('the trait of a disabled host comes and goes in placement', async () => {
  const { body } = await admin.call<{ services: { id: string }[] }>(
    'compute',
    'GET',
    '/v2.1/os-services?binary=nova-compute',
    undefined,
    newest,
  )
  const path = `/v2.1/os-services/${body.services[0]!.id}`
  const providers = async () => {
    const found = await admin.call<{ resource_providers: object[] }>(
      'placement',
      'GET',
      '/resource_providers?required=COMPUTE_STATUS_DISABLED',
      undefined,
      newest,
    )
    return found.body.resource_providers.length
  }
  assert.equal((await admin.call('compute', 'PUT', path, { status: 'disabled' }, newest)).status, 200)
  assert.equal(await providers(), 1)
  const { body: made } = await create(demo, { networks: 'none' })
  assert.match((await ended(demo, made.server.id)).fault!.message, /No valid host was found.*disabled/)
  assert.equal((await admin.call('compute', 'PUT', path, { status: 'enabled' }, newest)).status, 200)
  assert.equal(await providers(), 0)
})

test('quotas of projects that keystone does not know are refused, standard traits come from placement', async () => {
  const quota = await admin.call<{ badRequest: { message: string } }>('compute', 'GET', '/v2.1/os-quota-sets/nosuch')
  assert.equal(quota.status, 400)
  assert.equal(quota.body.badRequest.message, 'Project ID nosuch is not a valid project.')
  const spec = (name: string) =>
    admin.call('compute', 'POST', '/v2.1/flavors/1/os-extra_specs', { extra_specs: { [name]: 'required' } }, newest)
  assert.equal((await spec('trait:HW_CPU_X86_NO_SUCH_THING')).status, 400)
  assert.equal((await spec('trait:CUSTOM_MINE')).status, 200)
  const { status } = await admin.call('compute', 'DELETE', '/v2.1/flavors/1/os-extra_specs/trait:CUSTOM_MINE')
  assert.equal(status, 200)
})

test('auto makes the topology of a project that has no network', async () => {
  const made = await create(admin, { networks: 'auto', min_count: 2 })
  assert.equal(made.status, 202)
  const server = await ended(admin, made.body.server.id)
  assert.equal(server.status, 'ACTIVE', server.fault?.message)
  assert.deepEqual(Object.keys(server.addresses), ['auto_allocated_network'])
  const path = '/v2.0/networks?name=auto_allocated_network'
  const { body } = await admin.call<{ networks: object[] }>('network', 'GET', path)
  assert.equal(body.networks.length, 1, 'one for both servers')
})
