import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policies } from './policies.ts'
import { startIdentity } from './testing/identity.ts'

test('a token of a scope that a policy is not for is refused, whatever its roles', async (t) => {
  const identity = await startIdentity(t)
  const domain = await identity.make('POST', '/domains', { domain: { name: 'corp' } })
  const { token } = await identity.persona('admin', { domain: domain.id }, domain.id)
  const service = { service: { type: 'weather' } }
  const refused = await identity.send(token, 'POST', '/services', service)
  assert.equal(refused.status, 403)
  assert.match(JSON.stringify(refused.body), /not authorized to perform the requested action: identity:create_service/)
  const user = { user: { name: 'ann', domain_id: domain.id } }
  assert.equal((await identity.send(token, 'POST', '/users', user)).status, 201)
  const trust = { trustor_user_id: 'x', trustee_user_id: 'y', impersonation: false }
  assert.equal((await identity.send(token, 'POST', '/OS-TRUST/trusts', { trust })).status, 403)
})

test('roles alone decide with enforce_scope = false', async (t) => {
  const identity = await startIdentity(t, '[oslo_policy]\nenforce_scope = false\n')
  const { token } = await identity.persona('admin', { domain: 'default' })
  assert.equal((await identity.send(token, 'POST', '/services', { service: { type: 'weather' } })).status, 201)
})

test('a domain’s manager lists roles, a project’s does not', async (t) => {
  const identity = await startIdentity(t)
  const project = await identity.make('POST', '/projects', { project: { name: 'dev' } })
  const [ofDomain, ofProject] = [
    await identity.persona('manager', { domain: 'default' }),
    await identity.persona('manager', { project: project.id }),
  ]
  assert.equal((await identity.send(ofDomain.token, 'GET', '/roles')).status, 200)
  assert.equal((await identity.send(ofProject.token, 'GET', '/roles')).status, 403)
})

test('scopes are noted for every rule of an operation but those that are open to any token', () => {
  const open = policies.filter((rule) => rule.name.startsWith('identity:') && rule.scopes === undefined)
  assert.deepEqual(
    open.map((rule) => rule.name).sort(),
    ['catalog', 'domains', 'projects', 'system']
      .map((name) => `identity:get_auth_${name}`)
      .concat(['identity:list_domains_for_user', 'identity:list_projects_for_user']),
  )
})
