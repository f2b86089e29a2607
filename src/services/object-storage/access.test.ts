/** Who may do what: operators of a project, lists of access, pages, links that hold for a time. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { ConfigError } from '../../platform/config/config.ts'
import { startSwift, type CallOptions, type TestSwift } from './testing/swift.ts'

let swift: TestSwift

before(async () => {
  swift = await startSwift()
  await swift.call('PUT', 'c')
  await swift.call('PUT', 'c/o', { body: 'secret', headers: { 'x-object-meta-k': 'v' } })
})
after(() => swift.stop())

const status = async (method: string, path: string, options: CallOptions = {}) =>
  (await swift.call(method, path, options)).status
const share = async (headers: Record<string, string>) => {
  for (const name of ['x-container-read', 'x-container-write'])
    assert.equal(await status('POST', 'c', { headers: { [name]: headers[name] ?? '' } }), 204)
}

test('without a list of access only operators of the project come in', async () => {
  for (const [method, path] of [
    ['GET', 'c/o'],
    ['GET', 'c'],
    ['HEAD', ''],
    ['PUT', 'c/x'],
    ['DELETE', 'c/o'],
    ['POST', 'c'],
  ] as const) {
    assert.equal(await status(method, path, { token: 'eve' }), 403, `${method} ${path}`)
    assert.equal(await status(method, path, { token: 'eve:demo;reader' }), 403, `${method} ${path} with another role`)
    assert.equal(await status(method, path, { token: '' }), 401, `${method} ${path}`)
    assert.equal(await status(method, path, { token: 'bad' }), 401, `${method} ${path}`)
  }
  assert.equal(await status('GET', 'c/o', { token: 'eve;ResellerAdmin' }), 200)
  assert.equal(await status('DELETE', '', { token: 'demo' }), 403, 'nobody deletes his own account')
})

test('a list of access lets in whom it names, to read or to write', async () => {
  await share({ 'x-container-read': 'guest:*', 'x-container-write': '*:bob' })
  assert.equal(await status('GET', 'c/o', { token: 'someone:guest' }), 200)
  assert.equal(await status('PUT', 'c/x', { token: 'someone:guest', body: 'x' }), 403)
  assert.equal(await status('PUT', 'c/x', { token: 'bob:other', body: 'x' }), 201)
  assert.equal(await status('GET', 'c/x', { token: 'bob:other' }), 403)
  assert.equal(await status('POST', 'c', { token: 'bob:other' }), 403, 'the container itself is its owner’s')
  await share({ 'x-container-read': 'other-name:bob-name' })
  assert.equal(await status('GET', 'c/o', { token: 'bob:other' }), 200)
  await share({ 'x-container-read': 'auditor' })
  assert.equal(await status('GET', 'c/o', { token: 'eve:demo;auditor' }), 200)
  assert.equal(await status('GET', 'c/o', { token: 'eve:other;auditor' }), 403)
})

test('a public container is read by everybody, listed only where that is said, and its owner alone sees the list', async () => {
  await share({ 'x-container-read': '.r:*' })
  assert.equal(await status('GET', 'c/o', { token: '' }), 200)
  assert.equal(await status('GET', 'c', { token: '' }), 401)
  await share({ 'x-container-read': '.r:*,.rlistings' })
  const listed = await swift.call('GET', 'c', { token: '' })
  assert.equal(listed.status, 200)
  assert.equal(listed.headers['x-container-read'], undefined)
  assert.equal((await swift.call('GET', 'c')).headers['x-container-read'], '.r:*,.rlistings')
  await share({ 'x-container-read': '.r:good.example,.r:-bad.good.example' })
  assert.equal(await status('GET', 'c/o', { token: '', headers: { referer: 'http://good.example/page' } }), 200)
  assert.equal(await status('GET', 'c/o', { token: '', headers: { referer: 'http://bad.good.example/' } }), 401)
  assert.equal(await status('POST', 'c', { headers: { 'x-container-write': '.r:*' } }), 400)
  await share({})
})

test('F4: what servers tell each other no client can say, and none sees', async () => {
  const headers = { 'x-object-sysmeta-slo-etag': 'x', 'x-backend-storage-policy-index': '7', 'x-timestamp': '1.0' }
  assert.equal(await status('PUT', 'c/inner', { body: 'x', headers }), 201)
  const answer = await swift.call('GET', 'c/inner')
  assert.deepEqual(
    Object.keys(answer.headers).filter((name) => /sysmeta|backend/.test(name)),
    [],
  )
  assert.notEqual(answer.headers['x-timestamp'], '0000000001.00000')
})

test('F6: a copy needs the right to read its source and the right to write its target', async () => {
  await swift.call('PUT', 'inbox', { headers: { 'x-container-write': '*:bob' } })
  const headers = { 'x-copy-from': 'c/o', 'x-copy-from-account': 'AUTH_demo' }
  assert.equal(await status('PUT', 'inbox/stolen', { token: 'bob:other', headers }), 403)
  await share({ 'x-container-read': '*:bob' })
  assert.equal(await status('PUT', 'inbox/copied', { token: 'bob:other', headers }), 201)
  assert.equal(await status('COPY', 'c/o', { token: 'bob:other', headers: { destination: 'c/x' } }), 403)
  await share({})
})

const sign = (method: string, path: string, key: string, expires: number, digest = 'sha256') =>
  createHmac(digest, key).update(`${method}\n${expires}\n${path}`).digest('hex')

test('F1: a signed link holds for its method, its path and its time', async () => {
  await swift.call('POST', '', { headers: { 'x-account-meta-temp-url-key': 'key' } })
  const path = '/v1/AUTH_demo/c/o'
  const expires = Math.floor(Date.now() / 1000) + 600
  const link = (signature: string, at = expires, more = '') =>
    `${path}?temp_url_sig=${signature}&temp_url_expires=${at}${more}`
  const good = await swift.call('GET', link(sign('GET', path, 'key', expires)), { token: '' })
  assert.deepEqual([good.status, good.text], [200, 'secret'])
  assert.match(good.headers['content-disposition']!, /^attachment; filename="o"/)
  assert.equal(good.headers['x-object-meta-k'], undefined)
  assert.equal(await status('HEAD', link(sign('GET', path, 'key', expires)), { token: '' }), 200)
  assert.equal(await status('PUT', link(sign('GET', path, 'key', expires)), { token: '', body: 'x' }), 401)
  assert.equal(await status('GET', link(sign('GET', path, 'other', expires)), { token: '' }), 401)
  assert.equal(await status('GET', link(sign('GET', path, 'key', 100), 100), { token: '' }), 401)
  assert.equal(
    await status('GET', link(sign('GET', path, 'key', expires, 'sha1')), { token: '' }),
    401,
    'sha1 is too weak',
  )
  const other = link(sign('GET', path, 'key', expires)).replace('/c/o', '/c/inner')
  assert.equal(await status('GET', other, { token: '' }), 401)
  const put = { token: '', body: '', headers: { 'x-object-manifest': 'c/o' } }
  assert.equal(await status('PUT', link(sign('PUT', path, 'key', expires)), put), 400, 'a link writes no manifests')
  const ranged = createHmac('sha256', 'key').update(`ip=10.0.0.0/8\nGET\n${expires}\n${path}`).digest('hex')
  assert.equal(await status('GET', link(ranged, expires, '&temp_url_ip_range=10.0.0.0/8'), { token: '' }), 401)
})

test('F1: a link with the key of a container opens nothing outside of it', async () => {
  await swift.call('PUT', 'scoped', { headers: { 'x-container-meta-temp-url-key': 'own' } })
  await swift.call('PUT', 'scoped/list', { body: '', headers: { 'x-object-manifest': 'c/o' } })
  const path = '/v1/AUTH_demo/scoped/list'
  const expires = Math.floor(Date.now() / 1000) + 600
  const url = `${path}?temp_url_sig=${sign('GET', path, 'own', expires)}&temp_url_expires=${expires}`
  assert.equal(await status('GET', url, { token: '' }), 401)
})

test('a pipeline that could not keep its word is refused with the reason', async () => {
  const start = (pipeline: string) => startSwift({ 'proxy-server.conf': `[pipeline:main]\npipeline = ${pipeline}\n` })
  await assert.rejects(
    start('catch_errors proxy-server'),
    (error: Error) => error instanceof ConfigError && /keystoneauth/.test(error.message),
  )
  await assert.rejects(start('encryption authtoken keystoneauth proxy-server'), /encryption is not built here/)
  await assert.rejects(
    startSwift({ 'proxy-server.conf': '[filter:tempurl]\nuse = egg:swift#tempurl\nmethodz = GET\n' }),
    /methodz is no known option/,
  )
})

test('storage policies are those of swift.conf; one that cannot be served is refused', async () => {
  const policy = (index: number, more: string) => `[storage-policy:${index}]\nname = p${index}\n${more}\n`
  const own = await startSwift({ 'swift.conf': policy(0, '') + policy(1, 'default = yes') })
  try {
    assert.equal((await own.call('PUT', 'usual')).status, 201)
    assert.equal((await own.call('HEAD', 'usual')).headers['x-storage-policy'], 'p1')
    assert.equal((await own.call('PUT', 'first', { headers: { 'x-storage-policy': 'P0' } })).status, 201)
    assert.equal((await own.call('PUT', 'first', { headers: { 'x-storage-policy': 'p1' } })).status, 409)
    assert.equal((await own.call('PUT', 'none', { headers: { 'x-storage-policy': 'gold' } })).status, 400)
    assert.equal((await own.call('PUT', 'usual/o', { body: 'x' })).status, 201)
    assert.equal((await own.call('GET', 'usual/o')).text, 'x')
  } finally {
    await own.stop()
  }
  const coded = policy(0, 'policy_type = erasure_coding\nec_type = isa_l_rs_vand')
  await assert.rejects(startSwift({ 'swift.conf': coded }), /only replication can be served here/)
})

test('the guide’s pipeline starts', async () => {
  const text = `[DEFAULT]
bind_port = 8080
user = swift
swift_dir = /etc/swift
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck proxy-logging cache container_sync bulk ratelimit authtoken keystoneauth container-quotas account-quotas slo dlo versioned_writes proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = True
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin,user
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = True
[filter:cache]
use = egg:swift#memcache
memcache_servers = controller:11211
`
  const own = await startSwift({ 'proxy-server.conf': text })
  try {
    assert.equal((await own.call('PUT', 'c', { token: 'x:demo;user' })).status, 201)
    assert.equal((await own.call('PUT', 'c', { token: 'x:demo;member' })).status, 403)
  } finally {
    await own.stop()
  }
})
