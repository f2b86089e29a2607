/** What goes wrong on a machine is said in one line, hangs nothing, and is over when its cause is. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { eventually, login } from '../api.ts'
import { createTestCloud, type TestCloud } from '../cloud.ts'

async function cloudFor(t: TestContext): Promise<TestCloud> {
  const cloud = await createTestCloud({ args: ['--fake'] })
  t.after(() => cloud.destroy())
  return cloud
}

async function occupy(t: TestContext, url: string): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(Number(new URL(url).port), '127.0.0.1', resolve))
  t.after(() => server.close())
  return server
}

const failure = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Error, 'it was to fail')
  return error.message
}

test("a port in use: the start fails with that port, the others' APIs answer, and without the other program all is well", async (t) => {
  const cloud = await cloudFor(t)
  const other = await occupy(t, cloud.url('image'))
  assert.match(
    await failure(cloud.up()),
    /^nephos up failed:\nnephos: not everything is up: glance-api: address 127\.0\.0\.1:\d+ is in use by another program; choose other ports with --port-base/,
  )
  const status = await cloud.nephos('status')
  assert.equal(status.code, 1)
  assert.match(status.output, /glance-api +down +.*is in use by another program/)
  const admin = await login(cloud, 'admin')
  assert.equal((await admin.call('compute', 'GET', '/v2.1/servers')).status, 200)
  await cloud.nephos('down')
  other.close()
  await cloud.up()
  assert.equal((await cloud.nephos('status')).code, 0)
})

test('a role whose port becomes free comes up by itself', async (t) => {
  const cloud = await cloudFor(t)
  const other = await occupy(t, cloud.url('image'))
  await failure(cloud.up())
  other.close()
  await eventually('the whole cloud is up', async () => (await cloud.nephos('status')).code === 0, 60)
  const admin = await login(cloud, 'admin')
  assert.equal((await admin.call('image', 'GET', '/v2/images')).status, 200)
})

test('the port of identity in use: nothing starts, and the line says why', async (t) => {
  const cloud = await cloudFor(t)
  await occupy(t, cloud.url('identity'))
  assert.match(
    await failure(cloud.up()),
    /^nephos up failed:\nnephos: the cloud did not start: address 127\.0\.0\.1:\d+ is in use/,
  )
  assert.equal((await cloud.nephos('status')).code, 1)
})

test('a database that another program holds makes writers wait, readers not, and nobody for ever', async (t) => {
  const cloud = await cloudFor(t)
  await cloud.up()
  const admin = await login(cloud, 'admin')
  const database = new DatabaseSync(join(cloud.stateDir, 'compute', 'compute.db'))
  t.after(() => database.close())
  const create = (name: string) =>
    admin.call<{ serviceUnavailable?: { message: string } }>('compute', 'POST', '/v2.1/flavors', {
      flavor: { name, ram: 64, vcpus: 1, disk: 1 },
    })
  database.exec('begin immediate')
  const waiting = create('short')
  assert.equal((await admin.call('compute', 'GET', '/v2.1/flavors')).status, 200)
  assert.equal((await admin.call('identity', 'GET', '/v3/projects')).status, 200)
  database.exec('rollback')
  assert.equal((await waiting).status, 200)

  database.exec('begin immediate')
  const refused = await create('long')
  assert.equal(refused.status, 503)
  assert.match(refused.body.serviceUnavailable?.message ?? '', /database of this service does not answer/)
  database.exec('rollback')
  assert.equal((await create('after')).status, 200)
})

test('a damaged database: the role is down with its reason, the others are up', async (t) => {
  const cloud = await cloudFor(t)
  mkdirSync(join(cloud.stateDir, 'compute'), { recursive: true })
  writeFileSync(join(cloud.stateDir, 'compute', 'compute.db'), 'this is a poem, not a database\n'.repeat(100))
  assert.match(await failure(cloud.up()), /not everything is up: nova-api: file is not a database/)
  const admin = await login(cloud, 'admin')
  assert.equal((await admin.call('network', 'GET', '/v2.0/networks')).status, 200)
})

test('a database server that is not there, or an engine that nobody knows, is named', async (t) => {
  const cloud = await cloudFor(t)
  mkdirSync(join(cloud.stateDir, 'etc', 'nova'), { recursive: true })
  const file = join(cloud.stateDir, 'etc', 'nova', 'nova.conf')
  writeFileSync(file, '[database]\nconnection = mysql+pymysql://nova:x@127.0.0.1:1/nova\n')
  assert.match(await failure(cloud.up()), /not everything is up: nova-api: connect ECONNREFUSED 127\.0\.0\.1:1/)
  await cloud.nephos('down')
  writeFileSync(file, '[database]\nconnection = oracle://nova:x@127.0.0.1/nova\n')
  assert.match(await failure(cloud.up()), /nova-api: \[database\] connection: 'oracle' is no known engine/)
})

test('an option that cannot be understood is named', async (t) => {
  const cloud = await cloudFor(t)
  mkdirSync(join(cloud.stateDir, 'etc', 'nova'), { recursive: true })
  writeFileSync(join(cloud.stateDir, 'etc', 'nova', 'nova.conf'), '[scheduler]\nmax_attempts = many\n')
  assert.match(await failure(cloud.up()), /nova-api: .*max_attempts/)
})

test('a store that is not there at the first start: told, and the guest image comes with the next start', async (t) => {
  const cloud = await cloudFor(t)
  mkdirSync(join(cloud.stateDir, 'etc', 'glance'), { recursive: true })
  const file = join(cloud.stateDir, 'etc', 'glance', 'glance-api.conf')
  const account = 'swift_store_auth_address = http://127.0.0.1:1/v3\nswift_store_user = a:b\nswift_store_key = c\n'
  writeFileSync(file, `[DEFAULT]\nenabled_backends = far:swift\n[far]\n${account}`)
  await cloud.up()
  const remark =
    /the guest image could not be made, the next start tries again: .* answered 503: The image store does not/
  const status = await cloud.nephos('status')
  assert.match(status.output, remark)
  assert.equal(status.code, 0)
  await cloud.nephos('down')
  writeFileSync(file, '')
  await cloud.up()
  assert.ok(!remark.test((await cloud.nephos('status')).output))
  const admin = await login(cloud, 'admin')
  const { body } = await admin.call<{ images: { name: string; status: string }[] }>('image', 'GET', '/v2/images')
  assert.deepEqual(
    body.images.map(({ name, status: state }) => [name, state]),
    [['cirros', 'active']],
  )
})
