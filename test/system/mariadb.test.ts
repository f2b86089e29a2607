/** The same cloud on MariaDB: every service's migrations and queries on the other engine. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, login, type Api } from '../api.ts'
import { createTestCloud, type TestCloud } from '../cloud.ts'
import { Mariadb, noMariadb } from '../mariadb.ts'

const files = {
  keystone: ['keystone.conf', 'database'],
  glance: ['glance-api.conf', 'database'],
  placement: ['placement.conf', 'placement_database'],
  nova: ['nova.conf', 'database'],
  neutron: ['neutron.conf', 'database'],
} as const
let mariadb: Mariadb
let cloud: TestCloud

before(async () => {
  if (noMariadb) return
  cloud = await createTestCloud({ args: ['--fake'] })
  mariadb = await Mariadb.start()
  for (const [name, [file, section]] of Object.entries(files)) {
    const etc = join(cloud.stateDir, 'etc', name)
    mkdirSync(etc, { recursive: true })
    await mariadb.run(`create database ${name}`)
    writeFileSync(join(etc, file), `[${section}]\nconnection = ${mariadb.url}/${name}\n`)
  }
  await cloud.up()
})
after(async () => {
  await cloud?.destroy()
  await mariadb?.remove()
})

async function create(demo: Api): Promise<string> {
  const image = (await demo.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros&sort=name:asc'))
    .body.images[0]!.id
  const network = (await demo.call<{ networks: { id: string }[] }>('network', 'GET', '/v2.0/networks?name=private'))
    .body.networks[0]!.id
  const server = { name: 'm', flavorRef: '42', imageRef: image, networks: [{ uuid: network }], metadata: { a: 'b' } }
  const created = await demo.call<{ server: { id: string } }>('compute', 'POST', '/v2.1/servers', { server })
  assert.equal(created.status, 202, JSON.stringify(created.body))
  return created.body.server.id
}

test('a server lives and dies on MariaDB', { skip: noMariadb || false, timeout: 240_000 }, async () => {
  const { output, code } = await cloud.nephos('status', '--json')
  assert.equal(code, 0, output)
  assert.equal(existsSync(join(cloud.stateDir, 'compute', 'compute.db')), false, 'no SQLite file stands beside it')
  const demo = await login(cloud, 'demo')
  const path = `/v2.1/servers/${await create(demo)}`
  const status = async () =>
    (await demo.call<{ server?: { status: string; fault?: object } }>('compute', 'GET', path)).body.server
  await eventually('ACTIVE', async () => {
    const now = await status()
    if (now?.status === 'ERROR') throw new Error(JSON.stringify(now.fault))
    return now?.status === 'ACTIVE'
  })
  assert.equal((await demo.call('compute', 'GET', '/v2.1/servers/detail?limit=10&name=m')).status, 200)
  assert.equal((await demo.call('compute', 'DELETE', path)).status, 204)
  await eventually('it is gone', async () => (await status()) === undefined)
})

test('nephos explain reads MariaDB', { skip: noMariadb || false, timeout: 60_000 }, async () => {
  const admin = await login(cloud, 'admin')
  const { body } = await admin.call<{ servers: { id: string }[] }>(
    'compute',
    'GET',
    '/v2.1/servers/detail?all_tenants=1&deleted=1',
  )
  const { code, output } = await cloud.nephos('explain', body.servers[0]!.id)
  assert.equal(code, 0, output)
  assert.match(output, /host chosen/)
  assert.match(output, /delete/)
})

test(
  'a MariaDB that goes away is said, and all is well when it is back',
  { skip: noMariadb || false, timeout: 120_000 },
  async () => {
    const demo = await login(cloud, 'demo')
    const list = () => demo.call<{ serviceUnavailable?: object }>('compute', 'GET', '/v2.1/servers')
    assert.equal((await list()).status, 200)
    const builds = await Promise.all([1, 2, 3].map(() => create(demo)))
    await mariadb.down('SIGKILL')
    const answer = await list()
    assert.equal(answer.status, 503, JSON.stringify(answer.body))
    await mariadb.up()
    await eventually('the API answers again', async () => (await list()).status === 200, 60)
    for (const id of builds) {
      const settled = async () => {
        const { body } = await demo.call<{ server: { status: string } }>('compute', 'GET', `/v2.1/servers/${id}`)
        return body.server.status !== 'BUILD'
      }
      await eventually('the builds that were cut end', settled, 60)
      await demo.call('compute', 'DELETE', `/v2.1/servers/${id}`)
    }
    type Servers = { servers: object[] }
    const left = async () => (await demo.call<Servers>('compute', 'GET', '/v2.1/servers')).body.servers.length
    await eventually('they can be deleted', async () => (await left()) === 0, 60)
  },
)
