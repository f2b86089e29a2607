import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startIdentity } from '../../testing/identity.ts'

async function setUp(t: TestContext, configuration = '') {
  const identity = await startIdentity(t, configuration)
  const domain = await identity.make('POST', '/domains', { domain: { name: 'corp' } })
  const path = `/domains/${domain.id}/config`
  const ask = async (method: string, below = '', config?: unknown) => {
    const answer = await identity.request(method, path + below, config === undefined ? {} : { body: { config } })
    return { status: answer.status, config: answer.body?.['config'], text: JSON.stringify(answer.body) }
  }
  return { identity, domain, ask }
}

const whole = { identity: { driver: 'ldap' }, ldap: { url: 'ldap://corp', user: 'cn=%(password)s', password: 'hush' } }
const visible = { identity: { driver: 'ldap' }, ldap: { url: 'ldap://corp', user: 'cn=%(password)s' } }

test('a configuration is written, read in parts and deleted; its password is never shown', async (t) => {
  const { ask, identity, domain } = await setUp(t)
  assert.equal((await ask('GET')).status, 404)
  const created = await ask('PUT', '', whole)
  assert.equal(created.status, 201)
  assert.deepEqual(created.config, visible)
  assert.equal((await ask('PUT', '', whole)).status, 200)
  assert.deepEqual((await ask('GET')).config, visible)
  assert.deepEqual((await ask('GET', '/ldap')).config, { ldap: visible.ldap })
  assert.deepEqual((await ask('GET', '/ldap/url')).config, { url: 'ldap://corp' })
  assert.equal((await ask('GET', '/ldap/password')).status, 404)
  const changed = await ask('PATCH', '/ldap/url', { url: 'ldap://other' })
  assert.deepEqual(changed.config, { ...visible, ldap: { ...visible.ldap, url: 'ldap://other' } })
  assert.equal((await ask('PATCH', '/ldap/password', { password: 'new' })).status, 200)
  assert.doesNotMatch((await ask('GET')).text, /hush|"new"/)
  assert.equal((await ask('DELETE', '/ldap/url')).status, 204)
  assert.equal((await ask('DELETE', '/ldap/url')).status, 404)
  assert.equal((await ask('DELETE', '/ldap')).status, 204)
  assert.deepEqual((await ask('GET')).config, { identity: { driver: 'ldap' } })
  await identity.make('PATCH', `/domains/${domain.id}`, { domain: { enabled: false } })
  await identity.make('DELETE', `/domains/${domain.id}`)
  assert.equal((await ask('GET')).status, 404)
})

test('what a domain may not set is refused with its name', async (t) => {
  const { ask } = await setUp(t)
  const bad: [string, string, unknown, RegExp][] = [
    ['PUT', '', {}, /No options specified/],
    ['PUT', '', { ldap: 'x' }, /group ldap specified in the config should be a dictionary/],
    ['PUT', '', { token: { expiration: 1 } }, /Group token is not supported/],
    ['PUT', '', { ldap: { connection_timeout: 1 } }, /Option connection_timeout in group ldap is not supported/],
    ['PUT', '', { __proto__: { a: 1 }, constructor: { name: 1 } }, /Group constructor is not supported/],
    ['PATCH', '/ldap', { identity: { driver: 'sql' } }, /contains group identity instead/],
    ['PATCH', '/ldap', { ...whole }, /only that, group must be specified/],
    ['PATCH', '/ldap/url', { user: 'x' }, /contains option user instead/],
    ['PATCH', '/ldap/url', { url: 'x', user: 'x' }, /only that, option must be specified/],
  ]
  for (const [method, below, config, text] of bad) {
    const answer = await ask(method, below, config)
    assert.equal(answer.status, 403, answer.text)
    assert.match(answer.text, text)
  }
  assert.equal((await ask('PATCH', '/ldap', { ldap: { url: 'x' } })).status, 404, 'nothing there to change')
  assert.equal((await ask('GET', '/token')).status, 403)
  assert.equal((await ask('PUT', '', 'x')).status, 400)
})

test('defaults are those of keystone.conf, without what is sensitive', async (t) => {
  const { identity } = await setUp(t, 'list_limit = 7\n')
  const show = (below: string) => identity.request('GET', `/domains/config${below}/default`)
  const all = (await show('')).body['config'] as Record<string, Record<string, unknown>>
  assert.equal(all['identity']!['list_limit'], 7)
  assert.equal(all['ldap']!['query_scope'], 'one')
  assert.equal('password' in all['ldap']!, false)
  assert.deepEqual((await show('/identity/list_limit')).body['config'], { list_limit: 7 })
  assert.equal((await show('/ldap/password')).status, 403)
})

test('everyone reads the rule for passwords, of the default domain', async (t) => {
  const { identity, domain } = await setUp(
    t,
    '[security_compliance]\npassword_regex = ^.{3,}$\npassword_regex_description = three characters\n',
  )
  const project = await identity.make('POST', '/projects', { project: { name: 'dev' } })
  const { token } = await identity.member('someone', project.id)
  const ask = (id: string, below = '') =>
    identity.request('GET', `/domains/${id}/config/security_compliance${below}`, { token })
  assert.deepEqual((await ask('default')).body['config'], {
    security_compliance: { password_regex: '^.{3,}$', password_regex_description: 'three characters' },
  })
  assert.deepEqual((await ask('default', '/password_regex')).body['config'], { password_regex: '^.{3,}$' })
  assert.equal((await ask('default', '/lockout_duration')).status, 403)
  assert.equal((await ask(domain.id)).status, 403)
  const config = await identity.request('GET', '/domains/default/config', { token })
  assert.equal(config.status, 403)
})
