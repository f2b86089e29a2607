import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openDatabase } from '../../../../platform/db/database.ts'
import { testDatabaseUrl } from '../../../../platform/db/testing.ts'
import type { IdentitySchema } from '../../store/tables.ts'
import { startIdentity } from '../../testing/identity.ts'
import { signed } from '../../testing/signed.ts'

async function setUp(t: TestContext) {
  const identity = await startIdentity(t)
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  const user = await identity.member('joe', project.id)
  const service = await identity.login('nova', 'nova-password', {
    project: { name: 'service', domain: { id: 'default' } },
  })
  const ec2 = (token = user.token) =>
    identity.make<{ access: string; secret: string }>(
      'POST',
      `/users/${user.id}/credentials/OS-EC2`,
      { tenant_id: project.id },
      token,
    )
  return { identity, project, user, service, ec2 }
}

test('A1: a signature is worth nothing without a service’s token', async (t) => {
  const { identity, user, service, ec2, project } = await setUp(t)
  const { access, secret } = await ec2()
  const ask = (path: string, token: string, body: object) => identity.request('POST', path, { token, body })
  const body = signed(access, secret)
  assert.equal((await ask('/ec2tokens', '', body)).status, 401)
  assert.equal((await ask('/ec2tokens', user.token, body)).status, 403)
  const answer = await ask('/ec2tokens', service, body)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const token = answer.body['token'] as { user: { id: string }; project: { id: string } }
  assert.equal(token.user.id, user.id)
  assert.equal(token.project.id, project.id)
  assert.ok(answer.headers['X-Subject-Token'])
  assert.equal((await ask('/s3tokens', '', body)).status, 401)
  assert.equal((await ask('/s3tokens', user.token, body)).status, 403)
  assert.equal((await ask('/ec2tokens', service, signed(access, 'wrong'))).status, 401)
  assert.equal((await ask('/ec2tokens', service, signed('unknown', secret))).status, 404)
  assert.equal((await identity.request('GET', '/ec2tokens')).status, 405)
})

test('A2: a signed request is good for a quarter of an hour, before and after', async (t) => {
  const { identity, service, ec2 } = await setUp(t)
  const { access, secret } = await ec2()
  const at = async (minutes: number) => {
    const body = signed(access, secret, new Date(Date.now() + minutes * 60_000))
    return (await identity.request('POST', '/ec2tokens', { token: service, body })).status
  }
  assert.equal(await at(-14), 200)
  assert.equal(await at(-16), 401)
  assert.equal(await at(16), 401)
})

test('A3: owner and delegation of a credential stay what they are', async (t) => {
  const { identity, user, project, ec2 } = await setUp(t)
  const { access, secret } = await ec2()
  const [credential] = await identity.make<{ id: string; blob: string }[]>('GET', `/credentials?user_id=${user.id}`)
  const change = (changes: object, token = user.token) =>
    identity.request('PATCH', `/credentials/${credential!.id}`, { token, body: { credential: changes } })
  const blob = JSON.stringify({ access, secret })
  const other = await identity.make('POST', '/projects', { project: { name: 'other' } })
  const fixed = [{ user_id: 'x' }, { project_id: other.id }, { project_id: null }, { type: 'foo' }, { type: 'EC2' }]
  for (const more of [...fixed, { id: 'x' }, { x: 1 }])
    for (const token of [user.token, identity.admin])
      assert.equal((await change({ blob, ...more }, token)).status, 400, JSON.stringify(more))
  assert.equal((await change({})).status, 400)
  const stranger = await identity.member('stranger', project.id)
  assert.equal((await change({ blob }, stranger.token)).status, 403)
  const repeated = { blob, user_id: user.id, project_id: project.id, type: 'ec2' }
  assert.equal((await change(repeated)).status, 200, 'what is repeated is not changed')
  for (const key of ['trust_id', 'app_cred_id', 'access_token_id', 'access_id']) {
    const blob = JSON.stringify({ access, secret, [key]: 'x' })
    const answer = await change({ blob })
    assert.equal(answer.status, 400, key)
  }
  const now = await identity.make<{ blob: string }>('GET', `/credentials/${credential!.id}`)
  assert.equal(now.blob, blob)
  assert.equal((await change({ blob: JSON.stringify({ access, secret: 'another' }) })).status, 200)
})

test('A3: whoever makes a credential does not say what it is delegated by', async (t) => {
  const { identity, user, project } = await setUp(t)
  const blob = JSON.stringify({ access: 'a', secret: 's', trust_id: 't', app_cred_id: 'c', access_token_id: 'o' })
  const made = await identity.make<{ id: string; blob: string }>(
    'POST',
    '/credentials',
    { credential: { type: 'EC2', user_id: user.id, project_id: project.id, blob } },
    user.token,
  )
  assert.deepEqual(JSON.parse(made.blob), { access: 'a', secret: 's' })
})

test('A15: credentials are seen by their owner and by administrators', async (t) => {
  const { identity, user, ec2, project } = await setUp(t)
  const { access } = await ec2()
  const stranger = await identity.member('stranger', project.id)
  const list = (token: string, path = '/credentials') => identity.make<unknown[]>('GET', path, undefined, token)
  assert.equal((await list(user.token)).length, 1)
  assert.equal((await list(stranger.token)).length, 0)
  assert.equal((await list(stranger.token, `/credentials?user_id=${user.id}`)).length, 0)
  const ask = async (path: string) => (await identity.request('GET', path, { token: stranger.token })).status
  assert.equal(await ask(`/users/${user.id}/credentials/OS-EC2`), 403)
  assert.equal(await ask(`/users/${user.id}/credentials/OS-EC2/${access}`), 403)
  assert.equal(await ask(`/users/${stranger.id}/credentials/OS-EC2/${access}`), 403)
})

test('secrets are encrypted at rest', async (t) => {
  const { identity, user } = await setUp(t)
  const blob = 'GEZDGNBVGY3TQOJQPLAINTEXT'
  await identity.make('POST', '/credentials', { credential: { type: 'totp', blob, user_id: user.id } })
  const { db, close } = openDatabase<IdentitySchema>(await testDatabaseUrl(identity.stateDir, 'identity'))
  const rows = await db.selectFrom('credentials').selectAll().execute()
  await close()
  assert.equal(rows.length, 1)
  assert.ok(!JSON.stringify(rows).includes(blob))
})

test('EC2 credentials need a project and an access key, once', async (t) => {
  const { identity, user, project } = await setUp(t)
  const make = (credential: object) =>
    identity.request('POST', '/credentials', { body: { credential: { type: 'ec2', user_id: user.id, ...credential } } })
  const blob = '{"access":"a","secret":"s"}'
  assert.equal((await make({ blob })).status, 400)
  assert.equal((await make({ blob: 'no json', project_id: project.id })).status, 400)
  assert.equal((await make({ blob: '{"secret":"s"}', project_id: project.id })).status, 400)
  assert.equal((await make({ blob, project_id: project.id })).status, 201)
  assert.equal((await make({ blob, project_id: project.id })).status, 409)
})
