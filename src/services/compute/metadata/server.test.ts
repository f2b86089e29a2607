import assert from 'node:assert/strict'
import crypto, { createHmac } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { test, type TestContext } from 'node:test'
import { Secret } from '../../../platform/auth/secret.ts'
import { createLogger } from '../../../platform/log/log.ts'
import { serveMetadata } from './server.ts'
import { sampleServer as server, sampleSources as sources } from './testing.ts'

const sign = (id: string, secret = 'shared') => createHmac('sha256', secret).update(id).digest('hex')

async function serviceFor(t: TestContext) {
  const asked: string[] = []
  let password = ''
  const service = await serveMetadata({
    host: '127.0.0.1',
    port: 0,
    secret: new Secret('shared'),
    cacheS: 15,
    async getServerMetadata(id, projectId) {
      asked.push(id)
      return id === server.id && projectId === server.projectId ? { server, sources } : null
    },
    getGuestPassword: async () => password,
    async setGuestPassword(_id, text) {
      if (password !== '') return false
      password = text
      return true
    },
    log: createLogger({ name: 'test' }),
  })
  t.after(() => service.close())
  const get = async (
    path: string,
    headers: Record<string, string> = {},
    method = 'GET',
    body?: string | ReadableStream,
  ) => {
    const own = { 'X-Instance-ID': server.id, 'X-Tenant-ID': 'p1', 'X-Instance-ID-Signature': sign(server.id) }
    const answer = await fetch(`http://127.0.0.1:${service.port}${path}`, {
      method,
      headers: { ...own, ...headers },
      ...(body !== undefined && { body, duplex: 'half' }),
    })
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

test('a guest tells its password once, and who asks later reads it', async (t) => {
  const { get } = await serviceFor(t)
  const path = '/openstack/2013-04-04/password'
  const post = async (body: string, where = path) => (await get(where, {}, 'POST', body)).status
  assert.deepEqual(await get(path), { status: 200, type: 'text/plain; charset=UTF-8', text: '' })
  assert.equal(await post('x'.repeat(1021)), 400)
  assert.equal(await post('x'.repeat(60_000)), 400)
  const pieces = new ReadableStream({
    start(controller) {
      for (let count = 0; count < 20; count++) controller.enqueue(new TextEncoder().encode('x'.repeat(100)))
      controller.close()
    },
  })
  assert.equal((await get(path, {}, 'POST', pieces)).status, 400)
  assert.equal(await post('x', '/openstack/2012-08-10/password'), 405)
  assert.equal((await get('/openstack/2012-08-10/password')).status, 404)
  assert.equal((await get(path, {}, 'PUT', 'x')).status, 400)
  assert.equal(await post(''), 200)
  assert.equal(await post('x'.repeat(1020)), 200)
  assert.equal(await post('y', '/openstack/latest/password/'), 409)
  assert.equal((await get('/openstack/latest/password')).text, 'x'.repeat(1020))
})

test('who has no IPv4 address of its own reads the one that it asks from', async (t) => {
  const { get } = await serviceFor(t)
  assert.equal((await get('/latest/meta-data/local-ipv4', { 'X-Forwarded-For': '10.9.9.9' })).text, '10.0.0.5')
})
