/** What users write goes through the whole cloud, whose agents are behind the socket, and stops nobody. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, login, type Api } from '../api.ts'
import { createTestCloud, type TestCloud } from '../cloud.ts'

/** Texts that end a line, a message or a direction somewhere. */
const texts = [
  'a\u2028b\u2029c',
  'a\r\nb\n\nc',
  'a\u0000b\u001bc\u0085d',
  '\u202ea\u2066b\ufeff',
  '{"kind":"reply"}\n{',
]

let cloud: TestCloud
let demo: Api
let image: string
let network: string

before(async () => {
  cloud = await createTestCloud({ args: ['--fake'] })
  await cloud.up()
  demo = await login(cloud, 'demo')
  image = (await demo.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images')).body.images[0]!.id
  const { body } = await demo.call<{ networks: { id: string }[] }>('network', 'GET', '/v2.0/networks?name=private')
  network = body.networks[0]!.id
})
after(() => cloud?.destroy())

const create = async (extra: object) => {
  const server = { name: 'one', flavorRef: '1', imageRef: image, networks: [{ uuid: network }], ...extra }
  const { status, body } = await demo.call<{ server: { id: string } }>('compute', 'POST', '/v2.1/servers', { server })
  assert.equal(status, 202, JSON.stringify(body))
  return body.server.id
}
const isActive = (id: string) =>
  eventually(`server ${id} is active`, async () => {
    type Shown = { server: { status: string; metadata: object } }
    const { body } = await demo.call<Shown>('compute', 'GET', `/v2.1/servers/${id}`)
    return body.server.status === 'ACTIVE' && body.server
  })
const isGone = (id: string) =>
  eventually(
    `server ${id} is gone`,
    async () => (await demo.call('compute', 'GET', `/v2.1/servers/${id}`)).status === 404,
  )

test('P3: servers with such texts are built, looked at and deleted, and so are those of others', async () => {
  const before = JSON.parse((await cloud.nephos('status', '--json')).output) as { pids: object }
  const metadata = Object.fromEntries(texts.map((text, index) => [`k${index}`, text]))
  const hostile = await create({ metadata, user_data: Buffer.from(texts.join('')).toString('base64') })
  const plain = await create({})
  assert.deepEqual((await isActive(hostile)).metadata, metadata)
  await isActive(plain)
  const output = { 'os-getConsoleOutput': {} }
  assert.equal((await demo.call('compute', 'POST', `/v2.1/servers/${hostile}/action`, output)).status, 200)
  for (const id of [hostile, plain]) await demo.call('compute', 'DELETE', `/v2.1/servers/${id}`)
  for (const id of [hostile, plain]) await isGone(id)
  const status = JSON.parse((await cloud.nephos('status', '--json')).output) as { pids: object }
  assert.deepEqual(status.pids, before.pids)
})

test('P3: networks, subnets, groups and ports with such texts reach their agents, or are refused', async () => {
  const make = async (path: string, kind: string, body: object) =>
    demo.call<Record<string, { id: string }>>('network', 'POST', `/v2.0/${path}`, { [kind]: body })
  for (const text of texts) {
    const made = await make('networks', 'network', { name: text, description: text })
    const group = await make('security-groups', 'security_group', { name: text, description: text })
    assert.ok([201, 400].includes(made.status) && [201, 400].includes(group.status), JSON.stringify([made, group]))
    if (made.status !== 201 || group.status !== 201) continue
    const networkId = made.body['network']!.id
    const subnet = { network_id: networkId, ip_version: 4, cidr: '10.77.0.0/24', name: text, description: text }
    assert.equal((await make('subnets', 'subnet', subnet)).status, 201)
    const groups = [group.body['security_group']!.id]
    const port = await make('ports', 'port', { network_id: networkId, name: text, security_groups: groups })
    assert.equal(port.status, 201, JSON.stringify(port.body))
    const server = await create({ networks: [{ port: port.body['port']!.id }] })
    await isActive(server)
    await demo.call('compute', 'DELETE', `/v2.1/servers/${server}`)
    await isGone(server)
  }
})
