import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RemoteError } from '../../../platform/http/client.ts'
import { eventually, type TestCloud } from '../testing/cloud.ts'
import { imageId, networkId } from '../testing/fakes.ts'
import { active, cloudWith, post, reaches, refusal, show, text } from '../testing/stories.ts'

const other = '33333333-3333-4333-8333-333333333333'
const old = (cloud: TestCloud, more: object = {}) =>
  cloud.call('demo', 'POST', '/servers', { server: { name: 's', imageRef: imageId, flavorRef: '1', ...more } }, '2.1')
const fault = async (cloud: TestCloud, id: string) => text((await show(cloud, id, 'demo'))['fault']!['message'])

test('two networks and none named: 409 at once, before and since networks must be named', async (t) => {
  const { cloud } = await cloudWith(t)
  const [first] = cloud.network.networks
  cloud.network.networks = [first!, { ...first!, id: other, name: 'second' }]
  for (const answer of [await old(cloud), await post(cloud, { networks: 'auto' })])
    assert.match(refusal(answer, 409), /Multiple possible networks found, use a Network ID/)
  assert.equal((await post(cloud, { networks: 'none' })).status, 202)
})

test('auto makes the topology of a project without networks, or is refused where there can be none', async (t) => {
  const { cloud } = await cloudWith(t)
  cloud.network.networks = []
  const id = await active(cloud, { networks: 'auto', min_count: 2 })
  assert.ok((await show(cloud, id))['addresses']!['auto_allocated_network'])
  cloud.network.networks = []
  cloud.network.hasAutoTopology = false
  assert.match(refusal(await post(cloud, { networks: 'auto' }), 400), /Unable to automatically allocate a network/)
  const bare = text((await old(cloud)).body['server']!['id'])
  await reaches(cloud, bare, 'ACTIVE')
  assert.deepEqual((await show(cloud, bare))['addresses'], {}, 'older clients never asked for a network')
})

test('a topology that neutron cannot make after all is told', async (t) => {
  const { cloud } = await cloudWith(t)
  cloud.network.networks = []
  cloud.network.autoAllocate = () =>
    Promise.reject(new RemoteError('neutron', { status: 409, headers: {}, body: { NeutronError: { message: 'no' } } }))
  const id = text((await post(cloud, { networks: 'auto' })).body['server']!['id'])
  await reaches(cloud, id, 'ERROR')
  assert.match(await fault(cloud, id), /Unable to automatically allocate a network for project/)
})

test('a network without a subnet is refused, named or not', async (t) => {
  const { cloud } = await cloudWith(t)
  cloud.network.networks = [{ ...cloud.network.networks[0]!, subnets: [] }]
  for (const answer of [await post(cloud), await old(cloud), await post(cloud, { networks: 'auto' })])
    assert.match(refusal(answer, 400), /requires a subnet in order to boot instances on/)
})

test('several servers share no address and no port, one server no port twice', async (t) => {
  const { cloud } = await cloudWith(t)
  cloud.network.networks = [{ ...cloud.network.networks[0]!, projectId: '1'.repeat(32) }]
  const fixed = { uuid: networkId, fixed_ip: '10.0.0.77' }
  assert.match(
    refusal(await post(cloud, { networks: [fixed], min_count: 2 }), 400),
    /max_count cannot be greater than 1 if an fixed_ip is specified/,
  )
  const asked = { networkId, projectId: '1'.repeat(32), deviceId: '', deviceOwner: '', hostId: '' }
  const { id: port } = await cloud.network.createPort(asked)
  assert.match(refusal(await post(cloud, { networks: [{ port }], max_count: 2 }), 400), /single configured port ID/)
  assert.match(refusal(await post(cloud, { networks: [{ port }, { port }] }), 400), /was specified twice/)
  await active(cloud, { networks: [fixed] })
  assert.match(refusal(await post(cloud, { networks: [fixed] }), 400), /10\.0\.0\.77 is already in use on instance/)
})

test('a network without port security takes no group, and its servers show none', async (t) => {
  const { cloud } = await cloudWith(t)
  cloud.network.networks = [{ ...cloud.network.networks[0]!, portSecurityEnabled: false }]
  const id = await active(cloud)
  assert.equal((await show(cloud, id))['security_groups'], undefined)
  assert.match(refusal(await post(cloud, { security_groups: [{ name: 'web' }] }), 400), /port_security_enabled/)
  assert.equal((await post(cloud, { security_groups: [{ name: 'default' }] })).status, 202)
})

test('a server shows the groups of the ports that it was given', async (t) => {
  const { cloud } = await cloudWith(t)
  const asked = { networkId, projectId: '1'.repeat(32), deviceId: '', deviceOwner: '', hostId: '' }
  const { id: port } = await cloud.network.createPort({ ...asked, securityGroups: ['sg1'] })
  const id = await active(cloud, { networks: [{ port }] })
  assert.deepEqual((await show(cloud, id))['security_groups'], [{ name: 'web' }])
})

test('what neutron refuses during a build is told to the user', async (t) => {
  const { cloud } = await cloudWith(t)
  const refusals: [number, string, RegExp][] = [
    [409, 'OverQuota', /Maximum number of ports exceeded/],
    [409, 'IpAddressGenerationFailure', /No fixed IP addresses available for network/],
    [404, 'NetworkNotFound', /Network .* could not be found/],
    [400, 'InvalidInput', /neutron says why/],
  ]
  for (const [status, type, message] of refusals) {
    const body = { NeutronError: { type, message: 'neutron says why' } }
    cloud.network.createPort = () => Promise.reject(new RemoteError('network POST', { status, headers: {}, body }))
    const id = text((await post(cloud)).body['server']!['id'])
    await reaches(cloud, id, 'ERROR')
    assert.match(await fault(cloud, id), message)
  }
})

test('what a build was refused is told also when another process undoes it', async (t) => {
  const { cloud } = await cloudWith(t)
  const body = { NeutronError: { type: 'OverQuota', message: 'no' } }
  cloud.network.createPort = () => Promise.reject(new RemoteError('network POST', { status: 409, headers: {}, body }))
  const { deleteAllocations } = cloud.placement
  let isCut = false
  cloud.placement.deleteAllocations = async () => {
    isCut = true
    return new Promise<void>(() => undefined)
  }
  const id = text((await post(cloud)).body['server']!['id'])
  await eventually(async () => isCut, 'the undo is cut')
  cloud.placement.deleteAllocations = deleteAllocations
  await cloud.start() // the dead process never gets its answer
  await reaches(cloud, id, 'ERROR')
  assert.equal(await fault(cloud, id), 'Maximum number of ports exceeded')
})
