import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startIdentity } from '../../testing/identity.ts'

interface Credential {
  id: string
  secret: string
  roles: { name: string }[]
  access_rules?: { method: string; path: string }[]
}

async function setUp(t: TestContext, configuration = '') {
  const identity = await startIdentity(t, configuration)
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  const user = await identity.member('joe', project.id)
  const base = `/users/${user.id}/application_credentials`
  const create = (more: object = {}, token = user.token) =>
    identity.request('POST', base, { token, body: { application_credential: { name: 'c', ...more } } })
  const make = async (more: object = {}) => {
    const answer = await create(more)
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.body['application_credential'] as Credential
  }
  const login = (credential: Credential, scope?: object) =>
    identity.authenticate(
      {
        methods: ['application_credential'],
        application_credential: { id: credential.id, secret: credential.secret },
      },
      scope,
    )
  const tokenOf = async (credential: Credential) => {
    const answer = await login(credential)
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.headers['X-Subject-Token']!
  }
  return { identity, project, user, base, create, make, login, tokenOf }
}

test('a credential has the roles of its token, or the fewer that it names with what they imply', async (t) => {
  const { identity, make, create, login, base, user } = await setUp(t)
  assert.deepEqual((await make()).roles.map((role) => role.name).toSorted(), ['member', 'reader'])
  assert.deepEqual(
    (await make({ name: 'less', roles: [{ name: 'reader' }] })).roles.map((role) => role.name),
    ['reader'],
  )
  assert.equal((await create({ name: 'more', roles: [{ name: 'admin' }] })).status, 400)
  assert.equal((await create()).status, 409, 'the name is taken')
  assert.equal((await create({ name: 'foreign' }, identity.admin)).status, 403)
  const credential = await make({ name: 'scoped' })
  assert.equal((await login(credential, { project: { id: 'x' } })).status, 401, 'its scope is its own')
  assert.equal((await login({ ...credential, secret: 'wrong' })).status, 401)
  const byName = await identity.authenticate({
    methods: ['application_credential'],
    application_credential: { name: 'scoped', secret: credential.secret, user: { id: user.id } },
  })
  assert.equal(byName.status, 201)
  assert.equal((await identity.make<unknown[]>('GET', `${base}?name=scoped`, undefined, user.token)).length, 1)
})

test('A4: a restricted credential manages no credentials; an unrestricted one does', async (t) => {
  const { identity, create, make, tokenOf, base, user } = await setUp(t)
  const restricted = await tokenOf(await make())
  assert.equal((await create({ name: 'n' }, restricted)).status, 403)
  assert.equal((await identity.request('DELETE', `${base}/x`, { token: restricted })).status, 403)
  const free = await tokenOf(await make({ name: 'free', unrestricted: true }))
  assert.equal((await create({ name: 'n' }, free)).status, 201)
  const trusts = await identity.request('GET', `/OS-TRUST/trusts?trustor_user_id=${user.id}`, { token: free })
  assert.equal(trusts.status, 403, 'trusts are beyond any application credential')
})

test('A4: what an unrestricted credential makes has its roles, requests and end at the most, and ends with it', async (t) => {
  const { identity, create, make, login, tokenOf, base, user } = await setUp(t)
  const rules = ['/v3/users/*/application_credentials', '/v3/auth/projects'].flatMap((path) =>
    ['POST', 'GET'].map((method) => ({ service: 'identity', method, path })),
  )
  const end = '2100-01-02T03:04:05.678901'
  const maker = await make({
    name: 'maker',
    unrestricted: true,
    access_rules: rules,
    expires_at: end,
    roles: [{ name: 'reader' }],
  })
  const token = await tokenOf(maker)
  const madeBy = async (more: object) => {
    const answer = await create(more, token)
    return { status: answer.status, made: answer.body['application_credential'] as Made }
  }
  type Made = Credential & { expires_at: string }
  const rulesOf = ({ access_rules: list = [] }: Pick<Credential, 'access_rules'>) =>
    list.map(({ method, path }) => ({ method, path }))
  const { made: same } = await madeBy({ name: 'same', unrestricted: true })
  assert.equal(same.expires_at, end)
  assert.deepEqual(rulesOf(same), rulesOf({ access_rules: rules }))
  assert.equal(
    (await madeBy({ name: 'less', access_rules: [rules[2]], expires_at: '2099-01-01T00:00:00' })).status,
    201,
  )
  assert.equal((await madeBy({ name: 'none', access_rules: [] })).status, 201)
  const refused = [
    { access_rules: [{ ...rules[0], path: '/v3/**' }] },
    { expires_at: '2100-01-02T03:04:05.678902' },
    { roles: [{ name: 'member' }] },
  ]
  for (const more of refused) assert.equal((await madeBy({ name: 'more', ...more })).status, 400, JSON.stringify(more))
  const inherited = await login(same)
  assert.equal(inherited.status, 201)
  const grandchild = await create({ name: 'grandchild' }, inherited.headers['X-Subject-Token'])
  await identity.make('DELETE', `${base}/${maker.id}`, undefined, user.token)
  assert.equal((await login(same)).status, 401)
  assert.equal((await login(grandchild.body['application_credential'] as Made)).status, 401)
  const headers = { 'x-subject-token': inherited.headers['X-Subject-Token']! }
  assert.equal((await identity.request('GET', '/auth/tokens', { headers })).status, 404)
  assert.deepEqual(await identity.make('GET', base, undefined, user.token), [])
})

test('A6: a token ends with the credential, and makes no other', async (t) => {
  const { identity, make, login } = await setUp(t)
  const end = new Date(Date.now() + 60_000).toISOString()
  const answer = await login(await make({ expires_at: end }))
  const token = answer.body['token'] as { expires_at: string }
  assert.ok(Date.parse(token.expires_at) <= Date.parse(end))
  const from = { methods: ['token'], token: { id: answer.headers['X-Subject-Token'] } }
  for (const scope of ['unscoped', undefined]) assert.equal((await identity.authenticate(from, scope)).status, 403)
})

test('access rules come in the order of their making', async (t) => {
  const { identity, make, base, user } = await setUp(t)
  const rule = (digit: number) => ({ service: 'compute', method: 'GET', path: `/v2.1/${digit}` })
  const digits = [3, 1, 4, 5, 9, 2, 6, 8, 7, 0]
  const pathsOf = (list: { path: string }[] = []) => list.map(({ path }) => path)
  const asked = pathsOf(digits.map(rule))
  const made = await make({ access_rules: digits.map(rule) })
  assert.deepEqual(pathsOf(made.access_rules), asked)
  const shown = await identity.make<Credential>('GET', `${base}/${made.id}`, undefined, user.token)
  assert.deepEqual(pathsOf(shown.access_rules), asked)
  const other = await make({ name: 'other', access_rules: digits.toReversed().map(rule) })
  assert.deepEqual(pathsOf(other.access_rules), asked.toReversed())
  const all = await identity.make<{ path: string }[]>('GET', `/users/${user.id}/access_rules`, undefined, user.token)
  assert.deepEqual(pathsOf(all), asked)
})

test('A7: a revoked role ends the credential for good; so does disabling the user', async (t) => {
  const { identity, make, login, project, user } = await setUp(t)
  const credential = await make()
  const grant = `/projects/${project.id}/users/${user.id}/roles/${await identity.roleId('member')}`
  await identity.make('DELETE', grant)
  assert.equal((await login(credential)).status, 401)
  await identity.make('PUT', grant)
  assert.equal((await login(credential)).status, 401, 'a new grant does not revive it')
})

test('access rules: made with the credential, shared, shown, kept while in use', async (t) => {
  const { identity, make, create, tokenOf, user } = await setUp(t)
  const rule = { service: 'identity', method: 'GET', path: '/v3/auth/projects' }
  const credential = await make({ access_rules: [rule] })
  const second = await make({ name: 'second', access_rules: [rule] })
  const rules = `/users/${user.id}/access_rules`
  const [known] = await identity.make<{ id: string }[]>('GET', rules, undefined, user.token)
  assert.equal((await identity.make<unknown[]>('GET', rules, undefined, user.token)).length, 1)
  const ask = async (method: string, path: string, token: string) =>
    (await identity.request(method, path, { token })).status
  assert.equal(await ask('DELETE', `${rules}/${known!.id}`, user.token), 403)
  const token = await tokenOf(credential)
  assert.equal(await ask('GET', '/auth/projects', token), 200)
  assert.equal(await ask('GET', '/auth/domains', token), 401)
  const subject = { 'x-subject-token': token }
  assert.equal((await identity.request('GET', '/auth/tokens', { headers: subject })).status, 404, 'an old middleware')
  const headers = { ...subject, 'openstack-identity-access-rules': '1.0' }
  const shown = (await identity.request('GET', '/auth/tokens', { headers })).body['token'] as {
    application_credential: { access_rules: object[] }
  }
  assert.deepEqual(shown.application_credential.access_rules, [{ id: known!.id, ...rule }])
  for (const { id } of [credential, second])
    assert.equal(await ask('DELETE', `/users/${user.id}/application_credentials/${id}`, user.token), 204)
  assert.equal(await ask('DELETE', `${rules}/${known!.id}`, user.token), 204)
  assert.equal((await create({ name: 'bad', access_rules: [{ path: '/x' }] })).status, 400)
  assert.equal((await create({ name: 'bad', access_rules: [{ ...rule, method: 'TRACE' }] })).status, 400)
})

test('B12: a credential has at most a hundred access rules, new ones or known ones', async (t) => {
  const { identity, create, user } = await setUp(t)
  const rules = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ service: 'compute', method: 'GET', path: `/**a**${index}` }))
  assert.equal((await create({ name: 'most', access_rules: rules(100) })).status, 201)
  assert.equal((await create({ name: 'more', access_rules: rules(101) })).status, 400)
  const known = await identity.make<{ id: string }[]>('GET', `/users/${user.id}/access_rules`, undefined, user.token)
  const again = [...known, known[0]!].map(({ id }) => ({ id }))
  assert.equal((await create({ name: 'known', access_rules: again })).status, 400)
})

test('B12: a user has no more credentials than the operator allows', async (t) => {
  const { create } = await setUp(t, '[application_credential]\nuser_limit = 2\n')
  const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => create({ name })))
  assert.deepEqual(answers.map((answer) => answer.status).toSorted(), [201, 201, 403, 403])
})
