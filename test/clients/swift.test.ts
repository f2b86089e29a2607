/** Debian's swift beside a cloud: its proxy asks our keystone who speaks, and glance keeps images in it. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { storeSuite } from '../../src/services/image/testing/store-suite.ts'
import { bodyOf, SwiftClient, type SwiftAccount } from '../../src/services/image/stores/swift-client.ts'
import { SwiftStore } from '../../src/services/image/stores/swift.ts'
import { createTestCloud, type TestCloud } from '../cloud.ts'
import { LineProgram, Openstack } from './python.ts'

const packages = '/usr/lib/python3/dist-packages'
const why = ['openstackclient', 'keystonemiddleware', 'swift'].every((name) => existsSync(join(packages, name)))
  ? false
  : 'needs python3-openstackclient, python3-keystonemiddleware and python3-swift'

const password = 'a-secret-of-swift'
let cloud: TestCloud
let openstack: Openstack
let swift: LineProgram
let folder: string
let account: SwiftAccount

before(async () => {
  if (why) return
  folder = mkdtempSync(join(tmpdir(), 'nephos-swift-'))
  cloud = await createTestCloud({ args: ['--fake'] })
  account = {
    authAddress: `${cloud.url('identity')}/v3`,
    user: 'pictures:keeper',
    key: password,
    userDomainId: 'default',
    projectDomainId: 'default',
    region: 'RegionOne',
    endpoint: '',
  }
  mkdirSync(join(cloud.stateDir, 'etc', 'glance'), { recursive: true })
  writeFileSync(
    join(cloud.stateDir, 'etc', 'glance', 'glance-api.conf'),
    `[DEFAULT]
enabled_backends = file:file, far:swift
[glance_store]
default_backend = far
[far]
swift_store_auth_address = ${account.authAddress}
swift_store_user = ${account.user}
swift_store_key = ${password}
swift_store_region = ${account.region}
swift_store_container = images
swift_store_create_container_on_put = true
swift_store_large_object_chunk_size = 1
`,
  )
  await cloud.up()
  openstack = new Openstack(cloud.environment('admin'))
  await openstack.do(`user create --password ${password} --project service debian-swift`)
  await openstack.do('role add --user debian-swift --project service service')
  await openstack.do('project create pictures')
  await openstack.do(`user create --password ${password} keeper`)
  await openstack.do('role add --user keeper --project pictures member')
  swift = new LineProgram('swift_server.py', [folder, cloud.url('identity'), 'debian-swift', password], {})
  const port = await swift.read()
  // In the place of the cloud's own.
  const [own] = await openstack.get<{ ID: string }[]>('endpoint list --service object-store --interface public')
  await openstack.do(`endpoint set --url http://127.0.0.1:${port}/v1/AUTH_%(project_id)s ${own!.ID}`)
})
after(async () => {
  openstack?.end()
  swift?.end()
  await cloud?.destroy()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

async function namesIn(container: string): Promise<string[]> {
  const answer = await new SwiftClient(account).send({ method: 'GET', path: `${container}?format=json` })
  const text = await bodyOf(answer)
  return answer.statusCode === 200 ? (JSON.parse(text) as { name: string }[]).map(({ name }) => name) : []
}

storeSuite(
  'swift, the real one',
  () => {
    const options = { id: 'far', account, container: 'suite', createContainer: true, segmentSize: 100_000 }
    return Promise.resolve({ store: new SwiftStore(options), kept: () => namesIn('suite'), close: () => undefined })
  },
  why,
)

test('openstack: containers and objects, by a user of the cloud', { skip: why }, async () => {
  const file = join(folder, 'letter')
  writeFileSync(file, 'dear reader')
  await openstack.do('container create letters')
  await openstack.do(`object create letters ${file} --name first`)
  assert.deepEqual(await openstack.get('object list letters'), [{ Name: 'first' }])
  await openstack.do(`object save letters first --file ${file}.back`)
  assert.equal(readFileSync(`${file}.back`, 'utf8'), 'dear reader')
  await openstack.do('container delete --recursive letters')
})

test('openstack: an image goes to swift in segments, comes back and leaves nothing', { skip: why }, async () => {
  const file = join(folder, 'image')
  const bytes = randomBytes(2_500_000)
  writeFileSync(file, bytes)
  const made = await openstack.get(`image create --disk-format raw --container-format bare --file ${file} far`)
  const { id, status, properties } = await openstack.get<{ id: string; status: string; properties: object }>(
    `image show ${String(made['id'])}`,
  )
  assert.equal(status, 'active')
  assert.equal((properties as { stores: string }).stores, 'far')
  assert.deepEqual(await namesIn('images'), [id, `${id}-00001`, `${id}-00002`, `${id}-00003`])
  await openstack.do(`image save --file ${file}.back ${id}`)
  assert.ok(readFileSync(`${file}.back`).equals(bytes))
  await openstack.do(`image delete ${id}`)
  assert.deepEqual(await namesIn('images'), [])
})
