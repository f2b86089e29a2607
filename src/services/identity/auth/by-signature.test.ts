import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { byPassword, startIdentity } from '../testing/identity.ts'
import { plantEc2, signed } from '../testing/signed.ts'

async function setUp(t: TestContext) {
  const identity = await startIdentity(t)
  const [project, other] = [
    await identity.make('POST', '/projects', { project: { name: 'p' } }),
    await identity.make('POST', '/projects', { project: { name: 'other' } }),
  ]
  const alice = await identity.member('alice', project.id)
  await identity.grant('member', `/projects/${other.id}/users/${alice.id}`)
  const service = await identity.login('nova', 'nova-password', {
    project: { name: 'service', domain: { id: 'default' } },
  })
  const bySignature = (access: string, secret = 's') =>
    identity.request('POST', '/ec2tokens', { token: service, body: signed(access, secret) })
  const trustOf = (trustee: string, impersonation: boolean, more: object = {}) =>
    identity.make(
      'POST',
      '/OS-TRUST/trusts',
      {
        trust: {
          trustor_user_id: alice.id,
          trustee_user_id: trustee,
          project_id: project.id,
          impersonation,
          roles: [{ name: 'reader' }],
          ...more,
        },
      },
      alice.token,
    )
  return { identity, project, other, alice, bySignature, trustOf }
}

const rolesOf = (answer: { body: Record<string, unknown> }) =>
  (answer.body['token'] as { roles: { name: string }[] }).roles.map(({ name }) => name).toSorted()

test('A4: a token of a signature is marked, and identity takes it for nothing but to be validated', async (t) => {
  const { identity, project, other, alice, bySignature } = await setUp(t)
  const ec2 = await identity.make<{ access: string; secret: string }>(
    'POST',
    `/users/${alice.id}/credentials/OS-EC2`,
    { tenant_id: project.id },
    alice.token,
  )
  const totp = { type: 'totp', blob: 'GEZDGNBVGY3TQOJQ', user_id: alice.id }
  await identity.make('POST', '/credentials', { credential: totp }, alice.token)
  const answer = await bySignature(ec2.access, ec2.secret)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const token = answer.headers['X-Subject-Token']!
  const subject = { headers: { 'x-subject-token': token } }
  const validated = await identity.request('GET', '/auth/tokens', subject)
  assert.equal(validated.status, 200)
  assert.deepEqual((validated.body['token'] as { methods: string[] }).methods, ['ec2credential'])
  for (const scope of [undefined, 'unscoped', { project: { id: project.id } }, { project: { id: other.id } }]) {
    const again = await identity.authenticate({ methods: ['token'], token: { id: token } }, scope)
    assert.equal(again.status, 403, JSON.stringify(scope))
  }
  const requests: [string, string, object?][] = [
    ['GET', '/auth/projects'],
    ['GET', '/auth/tokens'],
    ['GET', `/users/${alice.id}`],
    ['GET', '/credentials'],
    ['POST', '/credentials', { credential: { ...totp } }],
    ['POST', `/users/${alice.id}/credentials/OS-EC2`, { tenant_id: other.id }],
    ['POST', `/users/${alice.id}/application_credentials`, { application_credential: { name: 'x' } }],
    ['POST', '/OS-TRUST/trusts', { trust: {} }],
    ['PATCH', `/users/${alice.id}`, { user: { password: 'new' } }],
    ['DELETE', '/auth/tokens'],
  ]
  for (const [method, path, body] of requests) {
    const answered = await identity.request(method, path, { token, ...(body && { body }), ...subject })
    assert.equal(answered.status, 403, `${method} ${path}: ${JSON.stringify(answered.body)}`)
  }
  assert.equal((await identity.request('GET', '/auth/tokens', subject)).status, 200, 'it was not revoked')
})

test('A4: delegated tokens neither see nor make nor change nor delete credentials', async (t) => {
  const { identity, project, alice, trustOf } = await setUp(t)
  const bob = await identity.member('bob', project.id)
  const trust = await trustOf(bob.id, true)
  const byTrust = await identity.authenticate(byPassword('bob', 'secret-bob'), { 'OS-TRUST:trust': { id: trust.id } })
  const made = await Promise.all(
    [true, false].map((unrestricted) =>
      identity.make<{ id: string; secret: string }>(
        'POST',
        `/users/${alice.id}/application_credentials`,
        { application_credential: { name: `c-${unrestricted}`, unrestricted } },
        alice.token,
      ),
    ),
  )
  const tokens = [byTrust.headers['X-Subject-Token']!]
  for (const { id, secret } of made) {
    const identityOf = { methods: ['application_credential'], application_credential: { id, secret } }
    tokens.push((await identity.authenticate(identityOf)).headers['X-Subject-Token']!)
  }
  const ec2 = `/users/${alice.id}/credentials/OS-EC2`
  const own = await identity.make<{ access: string }>('POST', ec2, { tenant_id: project.id }, alice.token)
  const cert = { type: 'cert', blob: 'b', user_id: alice.id, project_id: project.id }
  const { id } = await identity.make('POST', '/credentials', { credential: cert }, alice.token)
  const requests: [string, string, object?][] = [
    ['GET', `/credentials/${id}`],
    ['PATCH', `/credentials/${id}`, { credential: { blob: 'c' } }],
    ['DELETE', `/credentials/${id}`],
    ['POST', '/credentials', { credential: cert }],
    ['GET', ec2],
    ['POST', ec2, { tenant_id: project.id }],
    ['GET', `${ec2}/${own.access}`],
    ['DELETE', `${ec2}/${own.access}`],
  ]
  for (const token of tokens) {
    assert.deepEqual(await identity.make('GET', '/credentials', undefined, token), [])
    for (const [method, path, body] of requests) {
      const answer = await identity.request(method, path, { token, ...(body && { body }) })
      assert.equal(answer.status, 403, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    }
  }
  assert.equal((await identity.make<object[]>('GET', '/credentials', undefined, alice.token)).length, 2)
})

test('A4: a credential that a delegation made once is as narrow as that, and worth nothing after it', async (t) => {
  const { identity, project, alice, bySignature, trustOf } = await setUp(t)
  const end = new Date(Date.now() + 60_000).toISOString()
  const base = `/users/${alice.id}/application_credentials`
  const wanted = { name: 'c', roles: [{ name: 'reader' }], expires_at: end }
  const source = await identity.make('POST', base, { application_credential: wanted }, alice.token)
  const bob = await identity.member('bob', project.id)
  const trust = await trustOf(bob.id, true, { expires_at: end })
  await plantEc2(identity.stateDir, alice.id, project.id, { access: 'c', secret: 's', app_cred_id: source.id })
  await plantEc2(identity.stateDir, alice.id, project.id, { access: 't', secret: 's', trust_id: trust.id })
  for (const access of ['c', 't']) {
    const answer = await bySignature(access)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    assert.deepEqual(rolesOf(answer), ['reader'])
    const { expires_at: expires } = answer.body['token'] as { expires_at: string }
    assert.ok(Date.parse(expires) <= Date.parse(end), `${access}: ${expires}`)
  }
  await identity.make('DELETE', `${base}/${source.id}`, undefined, alice.token)
  await identity.make('DELETE', `/OS-TRUST/trusts/${trust.id}`, undefined, alice.token)
  for (const access of ['c', 't']) assert.equal((await bySignature(access)).status, 401, access)
})

test('A4: a trust is for its trustee: nobody else’s credential makes tokens of it', async (t) => {
  const { identity, project, alice, bySignature, trustOf } = await setUp(t)
  const bob = await identity.member('bob', project.id)
  const mallory = await identity.member('mallory', project.id)
  for (const impersonation of [true, false]) {
    const { id: trust_id } = await trustOf(bob.id, impersonation)
    const plant = (owner: string, access: string) =>
      plantEc2(identity.stateDir, owner, project.id, { access, secret: 's', trust_id })
    await plant(mallory.id, `mallory-${impersonation}`)
    await plant(impersonation ? alice.id : bob.id, `right-${impersonation}`)
    assert.equal((await bySignature(`mallory-${impersonation}`)).status, 401)
    const answer = await bySignature(`right-${impersonation}`)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const { user } = answer.body['token'] as { user: { id: string } }
    assert.equal(user.id, impersonation ? alice.id : bob.id)
  }
  const foreign = await identity.make(
    'POST',
    `/users/${alice.id}/application_credentials`,
    { application_credential: { name: 'c' } },
    alice.token,
  )
  await plantEc2(identity.stateDir, mallory.id, project.id, { access: 'm', secret: 's', app_cred_id: foreign.id })
  assert.equal((await bySignature('m')).status, 401)
})
