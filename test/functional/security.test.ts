/** Rules that hold for every service of a cloud, tried on all of them at once. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { login, type Api } from '../api.ts'
import { createTestCloud, type TestCloud } from '../cloud.ts'

let cloud: TestCloud
let admin: Api

before(async () => {
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
  for (const name of ['admin-openrc', 'demo-openrc', 'clouds.yaml', 'settings.json', 'secrets.json'])
    assert.equal(statSync(join(cloud.stateDir, name)).mode & 0o077, 0, name)
  for (const name of readdirSync(join(cloud.stateDir, 'identity', 'fernet-keys')))
    assert.equal(statSync(join(cloud.stateDir, 'identity', 'fernet-keys', name)).mode & 0o077, 0, name)
  const refused = await admin.call('identity', 'GET', '/v3/users', undefined, { 'X-Auth-Token': 'ADMIN' })
  assert.deepEqual(refused.body, {
    error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' },
  })
})

function secretsOf({ stateDir }: TestCloud): Set<string> {
  const found = new Set<string>()
  const collect = (value: unknown) => {
    if (typeof value === 'string') found.add(value)
    else if (value && typeof value === 'object') Object.values(value).forEach(collect)
  }
  collect(JSON.parse(readFileSync(join(stateDir, 'secrets.json'), 'utf8')))
  return found
}

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
