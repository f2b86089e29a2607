import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { alice, dashboard, entityId, proxy, startFederation } from '../../testing/federation.ts'
import type { Answer, TestIdentity } from '../../testing/identity.ts'

interface Token {
  methods: string[]
  user: { id: string; name: string; domain: { id: string } } & Record<string, unknown>
  roles?: { name: string }[]
}
const tokenOf = (answer: Answer) => (answer.body as { token: Token }).token
const messageOf = (answer: Answer) => (answer.body as { error: { message: string } }).error.message
const usersOf = (identity: TestIdentity) => identity.make<{ id: string; name: string }[]>('GET', '/users')

test('a login by assertion makes a user in the domain of the identity provider, and finds him the next time', async (t) => {
  const federation = await startFederation(t)
  const first = await federation.login(alice)
  assert.equal(first.status, 201, JSON.stringify(first.body))
  const { user, methods } = tokenOf(first)
  assert.equal(user.name, 'alice')
  assert.deepEqual(methods, ['openid'])
  assert.deepEqual(user['OS-FEDERATION'], {
    groups: [{ id: federation.devs }],
    identity_provider: { id: 'corp' },
    protocol: { id: 'openid' },
  })
  assert.ok(!('password_expires_at' in user))
  const provider = await federation.identity.make<{ domain_id: string }>(
    'GET',
    '/OS-FEDERATION/identity_providers/corp',
  )
  assert.equal(user.domain.id, provider.domain_id)
  const again = await federation.login({ ...alice, mail: 'a@example.org' }, { method: 'POST' })
  assert.equal(tokenOf(again).user.id, user.id)
  const shown = await federation.identity.make<Record<string, unknown>>('GET', `/users/${user.id}`)
  assert.equal(shown['email'], 'a@example.org')
  assert.deepEqual(shown['federated'], [{ idp_id: 'corp', protocols: [{ protocol_id: 'openid', unique_id: 'alice' }] }])
  const found = await federation.identity.make<{ id: string }[]>('GET', '/users?idp_id=corp&unique_id=alice')
  assert.deepEqual(
    found.map((each) => each.id),
    [user.id],
  )
})

test('first logins of one user at the same time make one user', async (t) => {
  const federation = await startFederation(t)
  const answers = await Promise.all(Array.from({ length: 6 }, () => federation.login(alice)))
  assert.deepEqual(
    answers.map((answer) => answer.status),
    Array(6).fill(201),
  )
  assert.equal(new Set(answers.map((answer) => tokenOf(answer).user.id)).size, 1)
})

test('POST /v3/auth/tokens takes the method mapped, through the proxy', async (t) => {
  const { identity } = await startFederation(t)
  const headers = Object.fromEntries(Object.entries(alice).map(([name, value]) => [`x-assertion-${name}`, value]))
  const mapped = { identity_provider: 'corp', protocol: 'openid' }
  const body = { auth: { identity: { methods: ['mapped'], mapped } } }
  const answer = await identity.request('POST', '/auth/tokens', { token: '', body, headers, peer: proxy })
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  assert.equal((await identity.request('POST', '/auth/tokens', { token: '', body, headers })).status, 401)
  for (const incomplete of [{}, { identity_provider: 'corp' }, { protocol: 'openid' }]) {
    const bad = { auth: { identity: { methods: ['mapped'], mapped: incomplete } } }
    const refused = await identity.request('POST', '/auth/tokens', { token: '', body: bad, headers, peer: proxy })
    assert.equal(refused.status, 400)
  }
})

test('A10: assertions and user names in headers count from trusted proxies only', async (t) => {
  const { identity, ...federation } = await startFederation(t)
  const before = await usersOf(identity)
  const refusals = new Set<string>()
  for (const peer of ['192.0.2.8', '127.0.0.1', '::1', '2001:db9::1', 'nonsense']) {
    const answer = await identity.request('GET', `${federation.path}/auth`, {
      token: '',
      peer,
      headers: Object.fromEntries(Object.entries(alice).map(([name, value]) => [`x-assertion-${name}`, value])),
    })
    assert.equal(answer.status, 401, peer)
    refusals.add(messageOf(answer))
    const body = { auth: { identity: { methods: ['external'], external: {} } } }
    const headers = { 'x-remote-user': 'admin', 'x-assertion-remote-user': 'admin' }
    assert.equal((await identity.request('POST', '/auth/tokens', { token: '', body, headers, peer })).status, 401)
  }
  assert.equal(refusals.size, 1, 'A16: no reason in the answer')
  assert.deepEqual(await usersOf(identity), before)
  // Identity headers of services are no login either.
  const forged = {
    'x-user-id': 'admin',
    'x-roles': 'admin',
    'x-identity-status': 'Confirmed',
    'x-is-admin-project': '1',
  }
  assert.equal((await identity.request('GET', '/users', { token: '', headers: forged, peer: proxy })).status, 401)
})

test('A10: a proxy that is reached by IPv6, or whose IPv4 address is written as IPv6, is known', async (t) => {
  const federation = await startFederation(t)
  for (const peer of [`::ffff:${proxy}`, '2001:db8::1'])
    assert.equal((await federation.login(alice, { peer })).status, 201, peer)
})

test('A10: the same header in two spellings, and spellings that proxies overlook, do not count', async (t) => {
  const { identity, path } = await startFederation(t)
  const login = (headers: Record<string, string>) =>
    identity.request('GET', `${path}/auth`, { token: '', headers, peer: proxy })
  const { kind: _kind, ...rest } = alice
  const others = Object.fromEntries(Object.entries(rest).map(([name, value]) => [`x-assertion-${name}`, value]))
  assert.equal((await login({ ...others, x_assertion_kind: 'staff' })).status, 401)
  assert.equal((await login({ ...others, 'x-assertion_kind': 'staff' })).status, 401)
  assert.equal((await login({ ...others, 'x-assertion-kind': 'staff' })).status, 201)
})

test('A17: without a match in the mapping there is a refusal, and neither user nor group', async (t) => {
  const federation = await startFederation(t)
  const { identity } = federation
  const groups = await identity.make('GET', '/groups')
  const users = await usersOf(identity)
  for (const attributes of [
    {},
    { iss: entityId },
    { ...alice, kind: 'guest' },
    { iss: alice.iss, user: 'alice', kind: 'staff' },
  ] as Record<string, string>[])
    assert.equal((await federation.login(attributes)).status, 401, JSON.stringify(attributes))
  assert.deepEqual(await usersOf(identity), users)
  assert.deepEqual(await identity.make('GET', '/groups'), groups)
})

test('A17: an identity provider speaks for itself only, and only while it is enabled', async (t) => {
  const federation = await startFederation(t)
  const { identity } = federation
  assert.equal((await federation.login({ ...alice, iss: 'https://other.example.org' })).status, 403)
  const { iss: _iss, ...anonymous } = alice
  assert.equal((await federation.login(anonymous)).status, 401)
  const token = await federation.token(alice)
  const isValid = async () => (await identity.request('GET', '/auth/projects', { token })).status
  assert.equal(await isValid(), 200)
  const provider = '/OS-FEDERATION/identity_providers/corp'
  await identity.make('PATCH', provider, { identity_provider: { enabled: false } })
  assert.equal(await isValid(), 401, 'A7: its tokens end with it')
  assert.equal((await federation.login(alice)).status, 403)
  const unknown = await federation.login(alice, {
    path: '/OS-FEDERATION/identity_providers/none/protocols/openid/auth',
  })
  assert.equal(unknown.status, 404)
  assert.equal(messageOf(unknown), 'Could not find Identity Provider: none.')
  const protocol = await federation.login(alice, { path: `${provider}/protocols/none/auth` })
  assert.equal(protocol.status, 403)
})

test('A17: groups of the assertion give roles as long as the token lives, not longer', async (t) => {
  const federation = await startFederation(t)
  const { identity, devs } = federation
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  await identity.grant('member', `/projects/${project.id}/groups/${devs}`)
  const token = await federation.token(alice)
  for (const path of ['/OS-FEDERATION/projects', '/auth/projects']) {
    const { body } = await identity.request('GET', path, { token })
    assert.deepEqual(
      (body['projects'] as { id: string }[]).map((each) => each.id),
      [project.id],
    )
  }
  const scoped = await federation.rescope(token, { project: { id: project.id } })
  assert.equal(scoped.status, 201, JSON.stringify(scoped.body))
  assert.deepEqual(
    tokenOf(scoped)
      .roles?.map((role) => role.name)
      .sort(),
    ['member', 'reader'],
  )
  assert.equal((tokenOf(scoped).user['OS-FEDERATION'] as { groups: object[] }).groups.length, 1)
  // A token without the group has no roles by it, and nothing of the earlier login stays.
  const other = await federation.token({ ...alice, groups: 'unknown' })
  assert.equal((await federation.rescope(other, { project: { id: project.id } })).status, 401)
  const members = await identity.make<object[]>('GET', `/groups/${devs}/users`)
  assert.deepEqual(members, [])
})

test('with authorization_ttl the groups of a login last for a time: delegations can be made with them', async (t) => {
  const federation = await startFederation(t)
  const { identity, devs } = federation
  await identity.make('PATCH', '/OS-FEDERATION/identity_providers/corp', {
    identity_provider: { authorization_ttl: 5 },
  })
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  await identity.grant('member', `/projects/${project.id}/groups/${devs}`)
  const token = (await federation.rescope(await federation.token(alice), { project: { id: project.id } })).headers[
    'X-Subject-Token'
  ]!
  const { user } = tokenOf(await federation.login(alice))
  const listed = await identity.make<Record<string, unknown>[]>('GET', `/users/${user.id}/groups`)
  assert.deepEqual(
    listed.map((each) => each['id']),
    [devs],
  )
  assert.ok(Date.parse(String(listed[0]!['membership_expires_at'])) > Date.now())
  assert.equal((await identity.make<object[]>('GET', `/groups/${devs}/users`)).length, 1)
  assert.equal((await identity.request('HEAD', `/groups/${devs}/users/${user.id}`)).status, 204)
  const made = await identity.request('POST', `/users/${user.id}/application_credentials`, {
    token,
    body: { application_credential: { name: 'mine' } },
  })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  const { id, secret } = made.body['application_credential'] as { id: string; secret: string }
  const login = () =>
    identity.authenticate({ methods: ['application_credential'], application_credential: { id, secret } })
  assert.equal((await login()).status, 201)
  await federation.token({ ...alice, groups: 'none' })
  assert.equal((await login()).status, 401, 'the provider says that he is no longer in the group')
})

test('projects of a mapping are made with the roles that it names; with schema 3.0 what it names no more is taken', async (t) => {
  const federation = await startFederation(t)
  const { identity } = federation
  const rules = (...projects: object[]) => [
    { local: [{ user: { name: '{0}' } }, { projects }], remote: [{ type: 'user' }] },
  ]
  await federation.map(
    rules({ name: 'one', roles: [{ name: 'reader' }] }, { name: 'two', roles: [{ name: 'member' }] }),
  )
  const { user } = tokenOf(await federation.login(alice))
  const namesOf = async () =>
    (await identity.make<{ name: string }[]>('GET', `/users/${user.id}/projects`)).map((each) => each.name).sort()
  assert.deepEqual(await namesOf(), ['one', 'two'])
  await federation.map(rules({ name: 'two', roles: [{ name: 'member' }] }))
  await federation.token(alice)
  assert.deepEqual(await namesOf(), ['one', 'two'])
  await federation.map(rules({ name: 'two', roles: [{ name: 'member' }] }), '3.0')
  await federation.token(alice)
  assert.deepEqual(await namesOf(), ['two'])
})

test('A17: a mapping that names a role which does not exist makes nothing at all', async (t) => {
  const federation = await startFederation(t)
  const projects = [
    { name: 'fine', roles: [{ name: 'reader' }] },
    { name: 'new', roles: [{ name: 'emperor' }] },
  ]
  await federation.map([{ local: [{ user: { name: '{0}' } }, { projects }], remote: [{ type: 'user' }] }])
  const users = await usersOf(federation.identity)
  assert.equal((await federation.login(alice)).status, 404)
  assert.deepEqual(await usersOf(federation.identity), users)
  assert.deepEqual(await federation.identity.make('GET', '/projects?name=fine'), [])
})

test('A17: a mapping to a local user gives what he has, to him only', async (t) => {
  const federation = await startFederation(t)
  const { identity } = federation
  const local = (user: object) => [{ local: [{ user: { ...user, type: 'local' } }], remote: [{ type: 'user' }] }]
  await federation.map(local({ name: '{0}', domain: { id: 'default' } }))
  assert.equal((await federation.login(alice)).status, 401, 'there is no such user')
  const made = await identity.make('POST', '/users', { user: { name: 'alice' } })
  const { user } = tokenOf(await federation.login(alice))
  assert.equal(user.id, made.id)
  assert.ok(!('OS-FEDERATION' in user))
  await identity.make('PATCH', `/users/${made.id}`, { user: { enabled: false } })
  assert.equal((await federation.login(alice)).status, 401)
})

test('A17: the name of a federated user is not the name of a local one', async (t) => {
  const federation = await startFederation(t)
  const { identity } = federation
  await federation.map([
    {
      local: [{ user: { id: '{0}', name: '{1}', domain: { id: 'default' } } }],
      remote: [{ type: 'user' }, { type: 'name' }],
    },
  ])
  const { user } = tokenOf(await federation.login({ ...alice, name: 'admin' }))
  const admins = await identity.make<{ id: string }[]>('GET', '/users?name=admin&domain_id=default')
  assert.ok(admins.every((each) => each.id !== user.id))
  await federation.login({ ...alice, name: 'boss' })
  const body = { auth: { identity: { methods: ['external'], external: {} } } }
  const asBoss = await identity.request('POST', '/auth/tokens', {
    token: '',
    body,
    headers: { 'x-remote-user': 'boss' },
    peer: proxy,
  })
  assert.equal(asBoss.status, 401)
})

test('a disabled federated user is refused, and gets no groups by trying', async (t) => {
  const federation = await startFederation(t)
  const { user } = tokenOf(await federation.login(alice))
  await federation.identity.make('PATCH', `/users/${user.id}`, { user: { enabled: false } })
  assert.equal((await federation.login(alice)).status, 401)
  await federation.identity.make('DELETE', `/users/${user.id}`)
  assert.equal((await federation.login(alice)).status, 201, 'who was deleted comes in anew')
})

test('federated logins of a local user are his when an administrator has linked them', async (t) => {
  const federation = await startFederation(t)
  const { identity } = federation
  const federated = [{ idp_id: 'corp', protocols: [{ protocol_id: 'openid', unique_id: 'alice' }] }]
  const made = await identity.make('POST', '/users', { user: { name: 'linked', federated } })
  const { user } = tokenOf(await federation.login(alice))
  assert.equal(user.id, made.id)
  assert.equal(user.name, 'linked')
  const twice = await identity.request('POST', '/users', { body: { user: { name: 'second', federated } } })
  assert.equal(twice.status, 409)
  assert.equal((await identity.make<object[]>('GET', '/users?name=second')).length, 0)
  const wrong = [{ idp_id: 'none', protocols: [] }]
  const path = `/users/${made.id}`
  const refused = await identity.request('PATCH', path, { body: { user: { name: 'x', federated: wrong } } })
  assert.equal(refused.status, 400)
  assert.equal((await identity.make<{ name: string }>('GET', path)).name, 'linked')
})

test('websso sends a token to a trusted dashboard, and to no other', async (t) => {
  const federation = await startFederation(t)
  const sso = (origin: string | undefined, path = `/auth${federation.path}/websso`) =>
    federation.login(alice, { path: origin === undefined ? path : `${path}?origin=${encodeURIComponent(origin)}` })
  for (const path of [undefined, '/auth/OS-FEDERATION/websso/openid']) {
    const answer = await sso(dashboard, path)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    assert.match(answer.headers['Content-Type']!, /^text\/html/)
    assert.equal(answer.headers['Cache-Control'], 'no-store')
    const html = String(answer.body)
    assert.match(html, new RegExp(`action="${dashboard}"`))
    const [, token] = /name="token" id="token" value="([^"]+)"/.exec(html)!
    const valid = await federation.identity.request('GET', '/auth/projects', { token: token! })
    assert.equal(valid.status, 200)
  }
  assert.equal((await sso(undefined)).status, 400)
  for (const origin of ['https://evil.example.org/', `${dashboard}x`, dashboard.replace('https', 'http')]) {
    const refused = await sso(origin)
    assert.equal(refused.status, 401)
    assert.ok(!('X-Subject-Token' in refused.headers))
  }
  const { iss: _iss, ...anonymous } = alice
  const path = `/auth/OS-FEDERATION/websso/openid?origin=${encodeURIComponent(dashboard)}`
  const unnamed = await federation.login(anonymous, { path })
  assert.equal(unnamed.status, 401)
  assert.equal(messageOf(unnamed), 'Missing entity ID from environment')
})

test('websso fills the page of the operator, and says so when it cannot be read', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-sso-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'page.html')
  const federation = await startFederation(t, `sso_callback_template = ${file}\n`)
  const path = `/auth${federation.path}/websso?origin=${encodeURIComponent(dashboard)}`
  const missing = await federation.login(alice, { path })
  assert.equal(missing.status, 500)
  assert.match(messageOf(missing), /sso_callback_template/)
  writeFileSync(file, '$$5 <a href="${host}">$token</a> $other')
  const { body } = await federation.login(alice, { path })
  assert.match(String(body), new RegExp(`^\\$5 <a href="${dashboard}">[^<$]+</a> \\$other$`))
})

test('external: a proxy that has authenticated a user names him', async (t) => {
  const { identity } = await startFederation(t)
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  await identity.member('joe', project.id)
  const login = (headers: Record<string, string>, methods: string[] = ['external']) =>
    identity.request('POST', '/auth/tokens', {
      token: '',
      body: { auth: { identity: { methods, external: {} }, scope: { project: { id: project.id } } } },
      headers,
      peer: proxy,
    })
  const answer = await login({ 'x-remote-user': 'joe' })
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  assert.deepEqual(tokenOf(answer).methods, ['external'])
  assert.equal((await login({ 'x-remote-user': 'joe', 'x-remote-domain': 'Default' }, [])).status, 201)
  assert.equal((await login({ 'x-remote-user': 'joe', 'x-remote-domain': 'Other' })).status, 401)
  assert.equal((await login({ 'x-remote-user': 'nobody' })).status, 401)
  assert.equal((await login({})).status, 401)
})

test('A8: whether a mapping or a provider is enabled is a boolean, not a text', async (t) => {
  const { identity } = await startFederation(t)
  for (const enabled of ['false', 'FALSE', '0', 'no', '', 0, 1]) {
    const body = { identity_provider: { enabled } }
    const answer = await identity.request('PUT', '/OS-FEDERATION/identity_providers/other', { body })
    assert.equal(answer.status, 400, JSON.stringify(enabled))
  }
})
