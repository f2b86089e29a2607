import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byPassword, startIdentity, type TestIdentity } from '../testing/identity.ts'
import { fromBase32, passcodeAt } from './methods/totp.ts'

const adminProject = { project: { name: 'admin', domain: { id: 'default' } } }

const projectOf = (identity: TestIdentity, name = 'p') => identity.make('POST', '/projects', { project: { name } })

test('A9: unknown, wrong, locked and disabled users get the same answer', async (t) => {
  const identity = await startIdentity(t, '[security_compliance]\nlockout_failure_attempts = 2\n')
  const disabled = await identity.make('POST', '/users', { user: { name: 'off', password: 'right' } })
  await identity.make('PATCH', `/users/${disabled.id}`, { user: { enabled: false } })
  await identity.make('POST', '/users', { user: { name: 'locked', password: 'right' } })
  for (const _try of [1, 2]) await identity.authenticate(byPassword('locked', 'wrong'))
  const answers = await Promise.all([
    identity.authenticate(byPassword('nobody', 'x')),
    identity.authenticate(byPassword('admin', 'wrong')),
    identity.authenticate(byPassword('off', 'right')),
    identity.authenticate(byPassword('locked', 'right')),
    identity.authenticate({ methods: ['password'], password: { user: { id: 'none', password: 'x' } } }),
  ])
  for (const { status, body } of answers) {
    assert.equal(status, 401)
    assert.deepEqual(body, answers[0].body)
  }
})

test('malformed requests are told what is missing', async (t) => {
  const identity = await startIdentity(t)
  const cases: [object, object | string | undefined, RegExp][] = [
    [{ methods: [] }, undefined, /Expecting to find methods in identity/],
    [{ methods: ['password'] }, undefined, /Expecting to find password in identity/],
    [{ methods: ['password'], password: {} }, undefined, /Expecting to find user in password/],
    [{ methods: ['password'], password: { user: { name: 'x', password: 'y' } } }, undefined, /domain in user/],
    [{ methods: ['token'], token: {} }, undefined, /'id' is a required property/],
    [byPassword('admin', 'admin-password'), { project: { id: 'a' }, domain: { id: 'b' } }, /in scope/],
    [byPassword('admin', 'admin-password'), {}, /in scope/],
    [byPassword('admin', 'admin-password'), { project: { name: 'admin' } }, /domain in project/],
  ]
  for (const [request, scope, message] of cases) {
    const { status, body } = await identity.authenticate(request, scope)
    assert.equal(status, 400, JSON.stringify(body))
    assert.match((body as { error: { message: string } }).error.message, message)
  }
  const unknown = await identity.authenticate({ methods: ['telepathy'], telepathy: {} })
  assert.equal(unknown.status, 401)
})

test('A13: a method counts once however often it is named, and the list is bounded', async (t) => {
  const identity = await startIdentity(t)
  const request = { ...byPassword('admin', 'admin-password'), methods: Array(20).fill('password') as string[] }
  assert.equal((await identity.authenticate(request)).status, 201)
  assert.equal((await identity.authenticate({ ...request, methods: Array(1000).fill('password') })).status, 400)
})

test('scopes: project, domain, system, unscoped, and none without a role', async (t) => {
  const identity = await startIdentity(t)
  const project = await projectOf(identity)
  const user = await identity.member('joe', project.id)
  const scoped = async (scope: object | string | undefined) =>
    (await identity.authenticate(byPassword('joe', 'secret-joe'), scope)).status
  assert.equal(await scoped({ project: { id: project.id } }), 201)
  assert.equal(await scoped({ project: { name: 'p', domain: { name: 'Default' } } }), 201)
  assert.equal(await scoped('unscoped'), 201)
  assert.equal(await scoped({ unscoped: {} }), 201)
  assert.equal(await scoped({ project: { id: 'none' } }), 401)
  assert.equal(await scoped({ domain: { id: 'default' } }), 401)
  assert.equal(await scoped({ project: { id: 'default' } }), 401, 'a domain is no project')
  assert.equal(await scoped({ system: { all: true } }), 401)
  await identity.grant('reader', `/domains/default/users/${user.id}`)
  assert.equal(await scoped({ domain: { name: 'Default' } }), 201)
})

test('a user with a default project gets a token for it, unless he cannot use it', async (t) => {
  const identity = await startIdentity(t)
  const project = await projectOf(identity)
  const user = await identity.member('joe', project.id)
  await identity.make('PATCH', `/users/${user.id}`, { user: { default_project_id: project.id } })
  const token = async () =>
    (await identity.authenticate(byPassword('joe', 'secret-joe'))).body['token'] as { project?: { id: string } }
  assert.equal((await token()).project?.id, project.id)
  await identity.make('PATCH', `/projects/${project.id}`, { project: { enabled: false } })
  assert.equal((await token()).project, undefined)
})

test('A6: a token made from a token ends when that does, and system tokens do not become project tokens', async (t) => {
  const identity = await startIdentity(t)
  const first = await identity.authenticate(byPassword('admin', 'admin-password'), 'unscoped')
  const from = { methods: ['token'], token: { id: first.headers['X-Subject-Token'] } }
  const second = await identity.authenticate(from, adminProject)
  type Token = { expires_at: string; audit_ids: string[]; methods: string[] }
  const [a, b] = [first.body['token'] as Token, second.body['token'] as Token]
  assert.equal(b.expires_at, a.expires_at)
  assert.equal(b.audit_ids[1], a.audit_ids[0])
  assert.deepEqual(b.methods.toSorted(), ['password', 'token'])
  const system = await identity.login('admin', 'admin-password', { system: { all: true } })
  const widened = await identity.authenticate({ methods: ['token'], token: { id: system } }, adminProject)
  assert.equal(widened.status, 403)
})

test('A7: revoking a token ends it and what came from it, at once', async (t) => {
  const identity = await startIdentity(t)
  const parent = await identity.login('admin', 'admin-password', 'unscoped')
  const childAnswer = await identity.authenticate({ methods: ['token'], token: { id: parent } }, adminProject)
  const child = childAnswer.headers['X-Subject-Token']!
  const check = async (token: string) =>
    (await identity.request('GET', '/auth/tokens', { headers: { 'x-subject-token': token } })).status
  assert.equal(await check(child), 200)
  const revoked = await identity.request('DELETE', '/auth/tokens', { headers: { 'x-subject-token': parent } })
  assert.equal(revoked.status, 204)
  assert.equal(await check(parent), 404)
  assert.equal(await check(child), 404)
  const events = (await identity.request('GET', '/OS-REVOKE/events')).body['events'] as { audit_id: string }[]
  assert.equal(events.length, 1)
})

test('A7: password, user, project, domain and role changes end tokens; what comes back later does not revive them', async (t) => {
  const identity = await startIdentity(t)
  const domain = await identity.make('POST', '/domains', { domain: { name: 'd' } })
  const project = await identity.make('POST', '/projects', { project: { name: 'p', domain_id: domain.id } })
  const user = await identity.make('POST', '/users', { user: { name: 'u', password: 'one', domain_id: domain.id } })
  const role = await identity.roleId('member')
  const place = `/projects/${project.id}/users/${user.id}/roles/${role}`
  await identity.make('PUT', place)
  let password = 'one'
  const login = async () => {
    const answer = await identity.authenticate(
      { methods: ['password'], password: { user: { id: user.id, password } } },
      { project: { id: project.id } },
    )
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.headers['X-Subject-Token']!
  }
  const isValid = async (token: string) =>
    (await identity.request('GET', '/auth/tokens', { headers: { 'x-subject-token': token } })).status === 200
  // Fernet's time has whole seconds: a token of the second of the change would end with it.
  const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000) + 10))
  const events: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
    [
      'user',
      () => identity.make('PATCH', `/users/${user.id}`, { user: { enabled: false } }),
      () => identity.make('PATCH', `/users/${user.id}`, { user: { enabled: true } }),
    ],
    [
      'project',
      () => identity.make('PATCH', `/projects/${project.id}`, { project: { enabled: false } }),
      () => identity.make('PATCH', `/projects/${project.id}`, { project: { enabled: true } }),
    ],
    [
      'domain',
      () => identity.make('PATCH', `/domains/${domain.id}`, { domain: { enabled: false } }),
      () => identity.make('PATCH', `/domains/${domain.id}`, { domain: { enabled: true } }),
    ],
    [
      'password',
      () => {
        const original_password = password
        password = 'two'
        return identity.make('POST', `/users/${user.id}/password`, { user: { original_password, password } })
      },
      () => Promise.resolve(),
    ],
  ]
  for (const [what, end, undo] of events) {
    const token = await login()
    assert.ok(await isValid(token), what)
    await end()
    assert.ok(!(await isValid(token)), `${what} ends the token`)
    await undo()
    assert.ok(!(await isValid(token)), `${what} back again does not revive it`)
    await nextSecond()
  }
  const token = await login()
  await identity.make('DELETE', place)
  assert.ok(!(await isValid(token)), 'no role is left')
})

test('several factors: a receipt for the first, a token for both', async (t) => {
  const identity = await startIdentity(t)
  const user = await identity.make('POST', '/users', {
    user: {
      name: 'careful',
      password: 'secret',
      options: { multi_factor_auth_enabled: true, multi_factor_auth_rules: [['password', 'totp']] },
    },
  })
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
  await identity.make('POST', '/credentials', { credential: { type: 'totp', blob: secret, user_id: user.id } })
  const first = await identity.authenticate(byPassword('careful', 'secret'))
  assert.equal(first.status, 401)
  const receipt = first.headers['Openstack-Auth-Receipt']!
  assert.deepEqual(first.body['required_auth_methods'], [['password', 'totp']])
  const totp = (passcode: string) => ({ methods: ['totp'], totp: { user: { id: user.id, passcode } } })
  const passcode = passcodeAt(fromBase32(secret)!, Date.now())
  const headers = { 'openstack-auth-receipt': receipt }
  assert.equal((await identity.authenticate(totp(passcode))).status, 401, 'the second factor alone')
  const wrong = passcode === '000000' ? '000001' : '000000'
  assert.equal((await identity.authenticate(totp(wrong), undefined, headers)).status, 401)
  assert.equal((await identity.authenticate(totp(passcode), undefined, headers)).status, 201)
  assert.equal((await identity.authenticate(totp(passcode), undefined, { 'openstack-auth-receipt': 'x' })).status, 401)
  const both = { ...byPassword('careful', 'secret'), ...totp(passcode), methods: ['password', 'totp'] }
  assert.equal((await identity.authenticate(both)).status, 201)
  const other = byPassword('admin', 'admin-password')
  assert.equal((await identity.authenticate(other, undefined, headers)).status, 401, "another user's receipt")
})

test('JWS tokens work like fernet ones, and one of another algorithm is none', async (t) => {
  const identity = await startIdentity(t, '[token]\nprovider = jws\n')
  const token = await identity.login('admin', 'admin-password', adminProject)
  assert.equal(token.split('.').length, 3)
  const check = async (text: string) =>
    (await identity.request('GET', '/auth/tokens', { headers: { 'x-subject-token': text } })).status
  assert.equal(await check(token), 200)
  const [, payload, signature] = token.split('.')
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
  for (const forged of [`${none}.${payload}.`, `${none}.${payload}.${signature}`, `${token}A`, token.slice(0, -2)])
    assert.equal(await check(forged), 404, forged.slice(0, 30))
})
