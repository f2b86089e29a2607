import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readAuthtoken } from './authtoken.ts'
import { ensureSecrets, readSecret } from './secrets.ts'
import { serviceOf } from './services.ts'

function stateWith(t: TestContext, text: string): string {
  const stateDir = mkdtempSync(join(tmpdir(), 'nephos-authtoken-'))
  t.after(() => rmSync(stateDir, { recursive: true }))
  ensureSecrets(stateDir)
  mkdirSync(join(stateDir, 'etc', 'glance'), { recursive: true })
  writeFileSync(join(stateDir, 'etc', 'glance', 'glance-api.conf'), text)
  return stateDir
}

test('without a word a service is the user that the cloud has made', (t) => {
  const stateDir = stateWith(t, '')
  const { own, keystone, cacheS } = readAuthtoken(stateDir, serviceOf('image'))
  const { name, password, project } = own()
  assert.deepEqual(
    [name, project, keystone, cacheS],
    ['glance', { name: 'service', domain: { name: 'Default' } }, '', 300],
  )
  assert.equal(password.reveal(), readSecret(stateDir, 'user-glance').reveal())
})

test('what the guides write counts, under the names of any release', (t) => {
  const today = `[keystone_authtoken]
www_authenticate_uri = http://controller:5000
auth_url = http://controller:5000/v3
project_domain_id = default
user_domain_id = default
project_name = services
username = glance
password = GLANCE_PASS
token_cache_time = -1
service_token_roles = service, admin
service_token_roles_required = true
`
  const found = readAuthtoken(stateWith(t, today), serviceOf('image'))
  assert.deepEqual(
    [found.keystone, found.wwwAuthenticateUri, found.cacheS],
    ['http://controller:5000', 'http://controller:5000', -1],
  )
  assert.deepEqual(found.serviceTokens, { roles: ['service', 'admin'], isRequired: true })
  const { name, password, domain, project } = found.own()
  assert.deepEqual([name, password.reveal(), domain], ['glance', 'GLANCE_PASS', { id: 'default' }])
  assert.deepEqual(project, { name: 'services', domain: { id: 'default' } })

  const icehouse = `[keystone_authtoken]
auth_uri = http://controller:5000/v2.0
identity_uri = http://controller:35357
admin_tenant_name = service
admin_user = glance
admin_password = GLANCE_PASS
`
  const old = readAuthtoken(stateWith(t, icehouse), serviceOf('image'))
  assert.deepEqual(
    [old.keystone, old.own().name, old.own().password.reveal()],
    ['http://controller:35357', 'glance', 'GLANCE_PASS'],
  )
})

test('the one file of earlier versions is taken apart', (t) => {
  const stateDir = stateWith(t, '')
  const earlier = {
    adminPassword: 'a',
    demoPassword: 'd',
    servicePasswords: { glance: 'g' },
    metadataSecret: 'm',
    busKey: 'b',
  }
  writeFileSync(join(stateDir, 'secrets.json'), JSON.stringify(earlier))
  ensureSecrets(stateDir)
  const read = (['user-admin', 'user-demo', 'user-glance', 'metadata', 'bus'] as const).map((name) =>
    readSecret(stateDir, name).reveal(),
  )
  assert.deepEqual(read, ['a', 'd', 'g', 'm', 'b'])
  assert.equal(readSecret(stateDir, 'user-nova').reveal().length, 32)
})
