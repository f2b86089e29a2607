import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startIdentity, type Answer } from '../../testing/identity.ts'
import { keysOf, OAuthConsumer, signedOAuth as signed, type Keys } from '../../testing/oauth1.ts'

/** An admin of a project (keystone's rules let nobody else use OAuth) and a consumer. */
async function setUp(t: TestContext) {
  const identity = await startIdentity(t)
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  const joe = await identity.member('joe', project.id, 'admin')
  const program = await OAuthConsumer.create(identity)
  const authorize = async (request: Keys, roles: object[], token = joe.token) =>
    identity.request('PUT', `/OS-OAUTH1/authorize/${request.id}`, { token, body: { roles } })
  const login = (authorization: string, scope?: object) =>
    identity.authenticate({ methods: ['oauth1'], oauth1: {} }, scope, { authorization })
  const askFor = () => program.askFor(project.id)
  const exchange = (request: Keys, verifier: string) => program.exchange(request, verifier)
  return { identity, project, joe, consumer: program.keys, askFor, authorize, exchange, login }
}

async function withAccess(t: TestContext) {
  const all = await setUp(t)
  const request = await all.askFor()
  const { body } = await all.authorize(request, [{ name: 'reader' }])
  const access = keysOf(await all.exchange(request, (body['token'] as { oauth_verifier: string }).oauth_verifier))
  return { ...all, access }
}

const tokenOf = (answer: Answer) =>
  (answer.body as { token: { roles: { name: string }[]; project: { id: string } } & Record<string, unknown> }).token

test('A5: a consumer gets a token with the roles that the user gave, no others', async (t) => {
  const { identity, project, joe, consumer, access, login } = await withAccess(t)
  const answer = await login(signed('/auth/tokens', consumer, access))
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  const token = tokenOf(answer)
  assert.deepEqual(
    token.roles.map((role) => role.name),
    ['reader'],
  )
  assert.equal(token.project.id, project.id)
  assert.deepEqual(token['methods'], ['oauth1'])
  assert.deepEqual(token['OS-OAUTH1'], { access_token_id: access.id, consumer_id: consumer.id })
  const bearer = answer.headers['X-Subject-Token']!
  // A4: what was delegated makes nothing further.
  const again = await identity.authenticate(
    { methods: ['token'], token: { id: bearer } },
    { project: { id: project.id } },
  )
  assert.equal(again.status, 403)
  const path = `/users/${joe.id}/OS-OAUTH1/access_tokens`
  assert.equal((await identity.request('GET', path, { token: bearer })).status, 403)
  const mine = await identity.request('GET', `/users/${joe.id}/application_credentials`, { token: bearer })
  assert.notEqual(mine.status, 500)
  const made = await identity.request('POST', `/users/${joe.id}/application_credentials`, {
    token: bearer,
    body: { application_credential: { name: 'more' } },
  })
  assert.equal(made.status, 403)
})

test('A7: the token ends with the access token, which its user or the removal of its consumer ends', async (t) => {
  const { identity, joe, consumer, access, login } = await withAccess(t)
  const bearer = async () => (await login(signed('/auth/tokens', consumer, access))).headers['X-Subject-Token']!
  const isValid = async (token: string) => (await identity.request('GET', '/auth/projects', { token })).status === 200
  const first = await bearer()
  assert.ok(await isValid(first))
  const path = `/users/${joe.id}/OS-OAUTH1/access_tokens/${access.id}`
  assert.equal((await identity.request('DELETE', path, { token: joe.token })).status, 204)
  assert.ok(!(await isValid(first)))
  assert.equal((await login(signed('/auth/tokens', consumer, access))).status, 404)
})

test('A5: a role that the user loses is lost to the consumer', async (t) => {
  const { identity, project, joe, consumer, access, login } = await withAccess(t)
  const place = `/projects/${project.id}/users/${joe.id}`
  await identity.grant('service', place)
  const bearer = (await login(signed('/auth/tokens', consumer, access))).headers['X-Subject-Token']!
  const admin = `${place}/roles/${await identity.roleId('admin')}`
  assert.equal((await identity.request('DELETE', admin)).status, 204)
  assert.equal((await identity.request('GET', '/auth/projects', { token: bearer })).status, 401)
  assert.equal((await login(signed('/auth/tokens', consumer, access))).status, 401)
})

test('A3: an access token is of no use without its secret, for another consumer, twice or for another project', async (t) => {
  const { identity, consumer, access, login } = await withAccess(t)
  const header = signed('/auth/tokens', consumer, access)
  assert.equal((await login(header)).status, 201)
  assert.equal((await login(header)).status, 401, 'the same signed request again')
  const wrong = { ...access, secret: '0'.repeat(32) }
  assert.equal((await login(signed('/auth/tokens', consumer, wrong))).status, 401)
  const other = await identity.make<Keys>('POST', '/OS-OAUTH1/consumers', { consumer: {} })
  assert.equal((await login(signed('/auth/tokens', other, access))).status, 401)
  assert.equal((await login(signed('/auth/tokens', consumer, access), { project: { id: 'x' } })).status, 400)
  assert.equal((await login('Basic eDp5')).status, 400)
})

test('a user authorizes only roles that he has, with a token of his own', async (t) => {
  const { askFor, authorize, exchange, identity, consumer, access, login } = await withAccess(t)
  const request = await askFor()
  assert.equal((await authorize(request, [{ name: 'service' }])).status, 401)
  assert.equal((await exchange(request, 'guessed1')).status, 401, 'nobody has authorized it')
  const bearer = (await login(signed('/auth/tokens', consumer, access))).headers['X-Subject-Token']!
  assert.equal((await authorize(request, [{ name: 'reader' }], bearer)).status, 403)
  const { body } = await authorize(request, [{ name: 'member' }])
  const { oauth_verifier: verifier } = body['token'] as { oauth_verifier: string }
  assert.equal((await exchange(request, verifier.toLowerCase() + '!')).status, 401)
  assert.equal((await exchange(request, verifier)).status, 201)
  assert.equal((await exchange(request, verifier)).status, 404, 'a request token is used once')
  assert.equal((await identity.request('GET', `/OS-OAUTH1/consumers/${consumer.id}`)).status, 200)
})

test('P10: the secret of a consumer is told once and cannot be changed', async (t) => {
  const identity = await startIdentity(t)
  const consumer = await identity.make<Keys>('POST', '/OS-OAUTH1/consumers', { consumer: {} })
  const shown = await identity.request('GET', `/OS-OAUTH1/consumers/${consumer.id}`)
  assert.ok(!JSON.stringify(shown.body).includes(consumer.secret))
  const body = { consumer: { secret: 'mine' } }
  assert.equal((await identity.request('PATCH', `/OS-OAUTH1/consumers/${consumer.id}`, { body })).status, 400)
})
