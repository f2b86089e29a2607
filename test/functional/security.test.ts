/** Rules that hold for every service of a cloud, tried on all of them at once. */
import assert from 'node:assert/strict'
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createConnection } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, login, type Api } from '../api.ts'
import { createTestCloud, type TestCloud } from '../cloud.ts'

let cloud: TestCloud
let admin: Api

before(async () => {
  // What is logged at all is what could be told too much.
  process.env['NEPHOS_LOG'] = 'debug'
  cloud = await createTestCloud({ args: ['--fake'] })
  await cloud.up()
  admin = await login(cloud, 'admin')
})
after(() => cloud.destroy())

/** A request of each service that only its administrators may make, with a body that would do. */
const privileged = [
  ['identity', 'POST', '/v3/users', { user: { name: 'forged' } }],
  ['image', 'POST', '/v2/images', { name: 'forged', visibility: 'public' }],
  ['placement', 'POST', '/resource_providers', { name: 'forged' }],
  ['compute', 'POST', '/v2.1/flavors', { flavor: { name: 'forged', ram: 64, vcpus: 1, disk: 1 } }],
  ['network', 'POST', '/v2.0/networks', { network: { name: 'forged', 'router:external': true } }],
] as const

const forged = {
  'X-Roles': 'admin',
  'X-Role': 'admin',
  'X-User-Id': 'admin',
  'X-User-Name': 'admin',
  'X-User-Domain-Id': 'default',
  'X-Project-Id': 'admin',
  'X-Project-Name': 'admin',
  'X-Tenant-Id': 'admin',
  'X-Is-Admin-Project': 'True',
  'X-Identity-Status': 'Confirmed',
  'X-Service-Identity-Status': 'Confirmed',
  'X-Service-Roles': 'service',
  'OpenStack-System-Scope': 'all',
  'X-System-Scope': 'all',
}

test('A10: headers that name an identity change nothing, with no token and with the token of a reader', async () => {
  const reader = await readerOfDemo()
  for (const [service, method, path, body] of privileged) {
    const anonymous = await admin.call(service, method, path, body, { ...forged, 'X-Auth-Token': '' })
    assert.equal(anonymous.status, 401, `${service} without a token`)
    assert.equal((await reader.call(service, method, path, body, forged)).status, 403, `${service} as reader`)
  }
})

test('A16: a fresh cloud has no constant secret, its files are its owner’s, and a refusal tells no detail', async () => {
  const other = await createTestCloud({ args: ['--fake'] })
  try {
    await other.up()
    const [ours, theirs] = [cloud, other].map(secretsOf)
    assert.ok(ours!.size >= 5)
    assert.deepEqual(
      [...ours!].filter((secret) => theirs!.has(secret)),
      [],
    )
  } finally {
    await other.destroy()
  }
  for (const name of ['admin-openrc', 'demo-openrc', 'clouds.yaml'])
    assert.equal(statSync(join(cloud.stateDir, name)).mode & 0o077, 0, name)
  for (const name of readdirSync(join(cloud.stateDir, 'identity', 'fernet-keys')))
    assert.equal(statSync(join(cloud.stateDir, 'identity', 'fernet-keys', name)).mode & 0o077, 0, name)
  const refused = await admin.call('identity', 'GET', '/v3/users', undefined, { 'X-Auth-Token': 'ADMIN' })
  assert.deepEqual(refused.body, {
    error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' },
  })
})

function secretsOf({ stateDir }: TestCloud): Set<string> {
  return new Set(Object.values(secretsByName(stateDir)))
}

/** Each in a file of its own. */
const secretsByName = (stateDir: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(stateDir, 'secrets')).map((name) => [name, readFileSync(join(stateDir, 'secrets', name), 'utf8')]),
  )

async function readerOfDemo(): Promise<Api> {
  const { body } = await admin.call<{ user: { id: string } }>('identity', 'POST', '/v3/users', {
    user: { name: 'watcher', password: 'watcher-password' },
  })
  const roles = await admin.call<{ roles: { id: string }[] }>('identity', 'GET', '/v3/roles?name=reader')
  const demo = await login(cloud, 'demo')
  const place = `/v3/projects/${demo.projectId}/users/${body.user.id}/roles/${roles.body.roles[0]!.id}`
  assert.equal((await admin.call('identity', 'PUT', place)).status, 204)
  return login(cloud, 'demo', { name: 'watcher', password: 'watcher-password' })
}

const below = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))

test('P13: every folder and file of a cloud is its owner’s alone', () => {
  const { gid: ofControl } = statSync(join(cloud.stateDir, 'control'))
  const open = [cloud.stateDir, ...below(cloud.stateDir)].filter((path) => {
    const found = lstatSync(path)
    const isClosed = (found.mode & 0o077) === 0
    const isWayOnly = found.isDirectory() && (found.mode & 0o077) === 0o011
    const isForControl = found.uid === 0 && found.gid === ofControl && (found.mode & 0o027) === 0
    return !(isClosed || isWayOnly || isForControl || found.isSymbolicLink())
  })
  // A file within a closed folder is closed; folders and what lies beside them must say it themselves.
  const reachable = open.filter((path) => {
    const folders = path.slice(cloud.stateDir.length).split('/').slice(0, -1)
    return folders.every((_, at) => (statSync(cloud.stateDir + folders.slice(0, at + 1).join('/')).mode & 0o011) !== 0)
  })
  assert.deepEqual(reachable, [])
  const secret = /secrets|openrc|clouds|settings|\.db|\.log|\.sock|fernet|credential|\.key/
  assert.deepEqual(
    open.filter((path) => secret.test(path.slice(cloud.stateDir.length))),
    [],
  )
})

test('P14: without being told, a cloud listens on loopback only; metadata and metrics also when it is told', async () => {
  const other = await createTestCloud({ args: ['--fake', '--bind', '0.0.0.0'] })
  const outside = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address
  const answers = (address: string, port: number) =>
    new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: address, port })
      const end = (open: boolean) => (socket.destroy(), resolve(open))
      socket.on('connect', () => end(true)).on('error', () => end(false))
    })
  // Of 127.0.0.0/8 a listener on 127.0.0.1 has one address, a listener on all addresses has all.
  const elsewhere = outside ?? '127.0.0.2'
  try {
    await other.up()
    const open = async ({ portBase }: TestCloud) => {
      const ports = Array.from({ length: 10 }, (_, index) => index)
      const found = await Promise.all(ports.map((port) => answers(elsewhere, portBase + port)))
      return ports.filter((port) => found[port])
    }
    assert.deepEqual(await open(cloud), [])
    const [metadata, metrics] = [4, 7]
    const told = await open(other)
    assert.ok(told.includes(0) && told.includes(3), `APIs: ${told.join()}`)
    assert.ok(!told.includes(metadata) && !told.includes(metrics), `open: ${told.join()}`)
  } finally {
    await other.destroy()
  }
})

test('D3: no port redirects, and none leaves its folder', async () => {
  const paths = [
    '//evil.example/%2f..',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..%2f..%2fetc/passwd',
    '/core/..%2f..%2fpackage.json',
  ]
  for (const service of ['identity', 'image', 'placement', 'compute', 'metadata', 'novncproxy', 'network'] as const) {
    for (const path of paths) {
      const { status, headers, body } = await admin.call(service, 'GET', path)
      assert.ok(status >= 400 && status < 500, `${service} ${path}: ${status}`)
      assert.equal(headers.get('location'), null)
      assert.doesNotMatch(JSON.stringify(body), /root:|"dependencies"/)
    }
  }
})

const canary = (word: string) => `canary-${word}-6f1c2b6e9d`

test('H2, P10: with debug on, no secret is in a log, in a database as it is, or in the table of processes', async () => {
  const secrets: Record<string, string> = { password: canary('password'), 'second password': canary('second') }
  const user = { name: 'canary', password: secrets['password'], default_project_id: admin.projectId }
  const { body: made } = await admin.call<{ user: { id: string } }>('identity', 'POST', '/v3/users', { user })
  const demo = await login(cloud, 'demo')
  const roles = await admin.call<{ roles: { id: string }[] }>('identity', 'GET', '/v3/roles?name=member')
  const place = `/v3/projects/${demo.projectId}/users/${made.user.id}/roles/${roles.body.roles[0]!.id}`
  assert.equal((await admin.call('identity', 'PUT', place)).status, 204)
  const as = (password: string) => login(cloud, 'demo', { name: 'canary', password })
  const mine = await as(secrets['password']!)
  secrets['token'] = mine.token
  const own = `/v3/users/${made.user.id}`

  const application = { name: 'a', secret: canary('application') }
  secrets['application credential'] = application.secret
  const credential = await mine.call<{ application_credential: { id: string } }>(
    'identity',
    'POST',
    `${own}/application_credentials`,
    { application_credential: application },
  )
  assert.equal(credential.status, 201)
  const identity = {
    methods: ['application_credential'],
    application_credential: { id: credential.body.application_credential.id, secret: application.secret },
  }
  const limited = await mine.call('identity', 'POST', '/v3/auth/tokens', { auth: { identity } })
  secrets['token of an application'] = limited.headers.get('x-subject-token')!
  const ec2 = await mine.call<{ credential: { secret: string } }>('identity', 'POST', `${own}/credentials/OS-EC2`, {
    tenant_id: demo.projectId,
  })
  secrets['EC2 secret'] = ec2.body.credential.secret
  const blob = JSON.stringify({ seed: canary('blob') })
  await mine.call('identity', 'POST', '/v3/credentials', { credential: { type: 'totp', user_id: made.user.id, blob } })
  secrets['blob of a credential'] = canary('blob')
  const change = { user: { original_password: secrets['password'], password: secrets['second password'] } }
  assert.equal((await mine.call('identity', 'POST', `${own}/password`, change)).status, 204)
  const again = await as(secrets['second password']!)
  secrets['second token'] = again.token
  const wrong = canary('wrong')
  secrets['password that was wrong'] = wrong
  await assert.rejects(as(wrong))
  secrets['token that was wrong'] = canary('invented')
  const invented = {
    'X-Auth-Token': secrets['token that was wrong'],
    'X-Subject-Token': secrets['token that was wrong'],
  }
  for (const [service, path] of [
    ['identity', '/v3/auth/tokens'],
    ['compute', '/v2.1/servers'],
    ['network', '/v2.0/ports'],
  ] as const)
    await again.call(service, 'GET', path, undefined, invented)

  const old = { 'OpenStack-API-Version': 'compute 2.91' }
  const key = await again.call<{ keypair: { private_key: string } }>(
    'compute',
    'POST',
    '/v2.1/os-keypairs',
    { keypair: { name: 'k' } },
    old,
  )
  secrets['private key'] = key.body.keypair.private_key.split('\n')[5]!
  const images = await again.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')
  const userData = canary('user-data')
  const server = {
    name: 'canary',
    flavorRef: '42',
    imageRef: images.body.images[0]!.id,
    networks: 'auto',
    adminPass: canary('admin-pass'),
    user_data: Buffer.from(userData).toString('base64'),
  }
  secrets['administrator’s password of a server'] = server.adminPass
  const latest = { 'OpenStack-API-Version': 'compute 2.96' }
  const built = await again.call<{ server: { id: string } }>('compute', 'POST', '/v2.1/servers', { server }, latest)
  assert.equal(built.status, 202, JSON.stringify(built.body))
  const path = `/v2.1/servers/${built.body.server.id}`
  await eventually('ACTIVE', async () => {
    const { body } = await again.call<{ server: { status: string } }>('compute', 'GET', path)
    return body.server.status === 'ACTIVE'
  })
  const remote_console = { protocol: 'vnc', type: 'novnc' }
  const console_ = await again.call<{ remote_console: { url: string } }>(
    'compute',
    'POST',
    `${path}/remote-consoles`,
    { remote_console },
    latest,
  )
  secrets['console token'] = /token=(.+)$/.exec(decodeURIComponent(console_.body.remote_console.url))![1]!
  await fetch(console_.body.remote_console.url)
  Object.assign(secrets, secretsByName(cloud.stateDir))
  for (const [name, value] of Object.entries(secrets)) assert.ok(value.length >= 10, `${name} is no secret: ${value}`)

  const files = below(cloud.stateDir).filter((file) => lstatSync(file).isFile())
  const logs = files.filter((file) => file.includes('/log/'))
  assert.ok(
    logs.some((file) => /"msg":"request"/.test(readFileSync(file, 'latin1'))),
    'debug is on',
  )
  const isKept = /\/secrets\/|openrc|clouds\.yaml|fernet-keys|credential-keys/
  for (const file of files.filter((each) => !isKept.test(each))) {
    const content = readFileSync(file, 'latin1')
    for (const [name, value] of Object.entries({
      ...secrets,
      ...(file.includes('/log/') && { 'user data': userData }),
    }))
      for (const form of [value, Buffer.from(value).toString('base64').replace(/=+$/, '')])
        assert.ok(!content.includes(form), `${name} is in ${file}`)
  }
  const { pids } = JSON.parse((await cloud.nephos('status', '--json')).output) as { pids: Record<string, number> }
  for (const pid of Object.values(pids)) {
    const table = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1')).join()
    for (const [name, value] of Object.entries(secrets)) assert.ok(!table.includes(value), `${name} is in /proc/${pid}`)
  }
  const shown = await demo.call('compute', 'GET', path)
  assert.ok(!JSON.stringify(shown.body).includes(server.adminPass), 'nobody reads the password of a server')
})
