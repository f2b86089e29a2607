import assert from 'node:assert/strict'
import crypto, { createHmac } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { test, type TestContext } from 'node:test'
import { Secret } from '../../../platform/auth/secret.ts'
import { createLogger } from '../../../platform/log/log.ts'
import { configDriveFiles, type ServerMetadata } from './document.ts'
import { serveMetadata } from './server.ts'

const server: ServerMetadata = {
  id: '6f1c2b6e-1111-4222-8333-444455556666',
  name: 'first',
  hostname: 'first',
  projectId: 'p1',
  availabilityZone: 'nova',
  launchIndex: 0,
  metadata: { role: 'web' },
  keys: [{ name: 'mine', type: 'ssh', publicKey: 'ssh-ed25519 AAAA mine' }],
  userData: Buffer.from('#!/bin/sh\n').toString('base64'),
  flavorName: 'm1.tiny',
  ports: [
    {
      id: 'p',
      mac: 'fa:16:3e:00:00:01',
      mtu: 1450,
      networkId: 'n',
      tap: 'tapp',
      addresses: [
        { subnetId: 's', cidr: '10.0.0.0/24', ip: '10.0.0.5', gateway: '10.0.0.1', dns: ['10.0.0.2'], isDhcp: true },
      ],
    },
  ],
  floatingIps: ['172.24.4.10'],
  securityGroups: ['default', 'web'],
  adminPass: null,
  imageId: '11111111-1111-4111-8111-111111111111',
}

const sign = (id: string, secret = 'shared') => createHmac('sha256', secret).update(id).digest('hex')

async function serviceFor(t: TestContext) {
  const asked: string[] = []
  const service = await serveMetadata({
    host: '127.0.0.1',
    port: 0,
    secret: new Secret('shared'),
    async getServerMetadata(id, projectId) {
      asked.push(id)
      return id === server.id && projectId === server.projectId ? server : null
    },
    log: createLogger({ name: 'test' }),
  })
  t.after(() => service.close())
  const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const own = { 'X-Instance-ID': server.id, 'X-Tenant-ID': 'p1', 'X-Instance-ID-Signature': sign(server.id) }
    const answer = await fetch(`http://127.0.0.1:${service.port}${path}`, { method, headers: { ...own, ...headers } })
    return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
  }
  return { get, asked, port: service.port }
}

test('a guest reads its OpenStack and its EC2 tree', async (t) => {
  const { get, asked } = await serviceFor(t)
  assert.match((await get('/')).text, /^1\.0\n[^]*latest/)
  assert.match((await get('/openstack')).text, /^2012-08-10\n[^]*latest$/)
  const { status, type, text } = await get('/openstack/latest/meta_data.json')
  assert.deepEqual([status, type], [200, 'application/json'])
  const data = JSON.parse(text) as Record<string, unknown>
  assert.deepEqual(
    [data['uuid'], data['meta'], data['public_keys']],
    [server.id, { role: 'web' }, { mine: server.keys[0]!.publicKey }],
  )
  assert.equal(data['admin_pass'], undefined)
  assert.equal((await get('/openstack/latest/user_data')).text, '#!/bin/sh\n')
  assert.match((await get('/openstack/latest/network_data.json')).text, /"type":"ipv4_dhcp"/)
  assert.match((await get('/latest/meta-data/')).text, /^ami-id\n[^]*placement\/\n[^]*public-keys\//)
  assert.equal((await get('/latest/meta-data/local-ipv4')).text, '10.0.0.5')
  assert.equal((await get('/latest/meta-data/public-ipv4')).text, '172.24.4.10')
  assert.equal((await get('/latest/meta-data/public-keys/')).text, '0=mine')
  assert.equal((await get('/latest/meta-data/public-keys/0/openssh-key')).text, server.keys[0]!.publicKey)
  assert.equal((await get('/latest/user-data')).text, '#!/bin/sh\n')
  assert.equal((await get('/latest/meta-data/security-groups')).text, 'default\nweb')
  assert.equal((await get('/latest/meta-data/nothing')).status, 404)
  assert.equal((await get('/openstack/1999-01-01/meta_data.json')).status, 404)
  // One question to nova serves a guest that reads file by file.
  assert.equal(asked.length, 1)
})

test('D4: who is not vouched for by the proxy learns nothing', async (t) => {
  const { get, asked, port } = await serviceFor(t)
  assert.equal((await fetch(`http://127.0.0.1:${port}/latest/meta-data/`)).status, 400)
  assert.equal((await get('/latest/', { 'X-Instance-ID-Signature': sign(server.id, 'other') })).status, 403)
  assert.equal((await get('/latest/', { 'X-Instance-ID-Signature': 'ff' })).status, 403)
  assert.deepEqual(asked, [])
  assert.equal((await get('/latest/', { 'X-Tenant-ID': 'p2' })).status, 404)
  const other = '7f1c2b6e-1111-4222-8333-444455556666'
  assert.equal((await get('/', { 'X-Instance-ID': other, 'X-Instance-ID-Signature': sign(other) })).status, 404)
})

test('D4, H9: a wrong signature costs the same work wherever it is wrong', async (t) => {
  const { get } = await serviceFor(t)
  const right = sign(server.id)
  const real = crypto.timingSafeEqual
  let compared = 0
  t.mock.method(crypto, 'timingSafeEqual', (a: Buffer, b: Buffer) => (compared++, real(a, b)))
  syncBuiltinESMExports()
  t.after(() => (t.mock.restoreAll(), syncBuiltinESMExports()))
  const guesses = [`0${right.slice(1)}x`, `x${right.slice(1)}`, `${right.slice(0, -1)}x`, right.slice(1), 'x']
  for (const [index, guess] of guesses.entries()) {
    assert.equal((await get('/latest/', { 'X-Instance-ID-Signature': guess })).status, 403)
    assert.equal(compared, index + 1)
  }
})

test('a path that is none is not found', async (t) => {
  const { get } = await serviceFor(t)
  assert.equal((await get('/latest/%E0%A4%A')).status, 404)
})

test('D4: a project that is not its own is refused also while the answer is kept', async (t) => {
  const { get } = await serviceFor(t)
  assert.equal((await get('/latest/meta-data/hostname')).status, 200)
  assert.equal((await get('/latest/meta-data/hostname', { 'X-Tenant-ID': 'p2' })).status, 404)
})

test('only reading is there', async (t) => {
  const { get } = await serviceFor(t)
  assert.deepEqual(await get('/latest/meta-data/hostname', {}, 'HEAD').then(({ status, text }) => [status, text]), [
    200,
    '',
  ])
  assert.equal((await get('/latest/meta-data/hostname', {}, 'PUT')).status, 405)
})

test('the config drive has the same files, and alone the password', () => {
  const files = configDriveFiles({ ...server, adminPass: 'secret' })
  const read = (path: string) => Buffer.from(files[path] ?? '', 'base64').toString()
  assert.equal((JSON.parse(read('openstack/latest/meta_data.json')) as { admin_pass: string }).admin_pass, 'secret')
  assert.equal(read('openstack/2020-10-14/user_data'), '#!/bin/sh\n')
  assert.match(read('ec2/latest/meta-data.json'), /"instance-id":"i-6f1c2b6e"/)
})
