import assert from 'node:assert/strict'
import { StatementSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { onServer } from '../../../../platform/db/testing.ts'
import { byPassword, startIdentity, type TestIdentity } from '../../testing/identity.ts'

const onAdmin = { project: { name: 'admin', domain: { id: 'default' } } }

const show = (identity: TestIdentity, token: string, query = '') =>
  identity.request('GET', `/auth/tokens${query}`, { headers: { 'x-subject-token': token } })

const messageOf = ({ body }: { body: Record<string, unknown> }) => (body['error'] as { message: string }).message

/** Counts what is asked of any SQLite database from now on. */
function countQueries(t: TestContext): () => number {
  let count = 0
  for (const name of ['all', 'run', 'get', 'iterate'] as const) {
    const original = StatementSync.prototype[name] as (...args: unknown[]) => unknown
    t.mock.method(StatementSync.prototype, name, function (this: StatementSync, ...args: unknown[]) {
      count++
      return original.apply(this, args)
    })
  }
  return () => count
}

const skip = onServer && 'counts what SQLite is asked'

test(
  'a token that was seen is validated without a query, and a revocation counts all the same',
  { skip },
  async (t) => {
    const identity = await startIdentity(t)
    const token = await identity.login('admin', 'admin-password', onAdmin)
    assert.equal((await show(identity, token)).status, 200)
    const queries = countQueries(t)
    for (let i = 0; i < 5; i++) assert.equal((await show(identity, token)).status, 200)
    assert.equal(queries(), 0)
    assert.equal(
      (await identity.request('DELETE', '/auth/tokens', { headers: { 'x-subject-token': token } })).status,
      204,
    )
    assert.ok(queries() > 0)
    assert.equal((await show(identity, token)).status, 404)
  },
)

test('the catalog is kept, and follows a change at once', { skip }, async (t) => {
  const identity = await startIdentity(t)
  const types = async () => {
    const { body } = await identity.request('GET', '/auth/catalog')
    return (body['catalog'] as { type: string }[]).map(({ type }) => type)
  }
  await types()
  const queries = countQueries(t)
  const before = await types()
  assert.equal(queries(), 0)
  const service = await identity.make('POST', '/services', { service: { type: 'weather', name: 'rain' } })
  await identity.make('POST', '/endpoints', {
    endpoint: { service_id: service.id, interface: 'public', url: 'http://rain' },
  })
  assert.deepEqual((await types()).sort(), [...before, 'weather'].sort())
})

test('nocatalog leaves it out; allow_expired shows a token that is over to a service, for a while', async (t) => {
  const identity = await startIdentity(t, '[token]\nexpiration = 1\n')
  const token = await identity.login('admin', 'admin-password', onAdmin)
  const fresh = async () => (identity.admin = await identity.login('nova', 'nova-password', service))
  const service = { project: { name: 'service', domain: { id: 'default' } } }
  await fresh()
  const { body } = await show(identity, token, '?nocatalog')
  assert.ok(!Object.hasOwn(body['token'] as object, 'catalog'))
  const end = Date.parse((body['token'] as { expires_at: string }).expires_at)
  while (Date.now() <= end) await new Promise((resolve) => setTimeout(resolve, end - Date.now() + 1))
  await fresh()
  assert.equal((await show(identity, token)).status, 404)
  assert.equal((await show(identity, token, '?allow_expired=1')).status, 200)
})

test('what a login must not ask is refused, with what is wrong', async (t) => {
  const identity = await startIdentity(t)
  const password = byPassword('admin', 'admin-password')
  const both = { project: { name: 'admin', domain: { id: 'default' } }, domain: { id: 'default' } }
  const cases: [object, object | string | undefined, number][] = [
    [{ methods: ['magic'], magic: {} }, undefined, 401],
    [{ methods: ['password'] }, undefined, 400],
    [{ methods: [] }, undefined, 400],
    [{ methods: 'password' }, undefined, 400],
    [{ methods: ['password'], password: { user: { name: 7, password: 'x' } } }, undefined, 400],
    [password, both, 400],
    [password, {}, 400],
    [password, { project: { name: 'admin' } }, 400],
    [password, { nonsense: {} }, 400],
    [password, { project: { id: 'nowhere' } }, 401],
    [password, { domain: { id: 'nowhere' } }, 401],
  ]
  for (const [given, scope, status] of cases) {
    const answer = await identity.authenticate(given, scope)
    assert.equal(answer.status, status, JSON.stringify([given, scope, answer.body]))
    assert.ok(messageOf(answer).length > 10)
  }
})

test('names that are there already, too long or of the wrong type, and circles of roles are refused by name', async (t) => {
  const identity = await startIdentity(t)
  const refused = async (status: number, path: string, body: object, pattern: RegExp) => {
    const answer = await identity.request('POST', path, { body })
    assert.equal(answer.status, status, JSON.stringify(answer.body))
    assert.match(messageOf(answer), pattern)
  }
  await identity.make('POST', '/users', { user: { name: 'twin', password: 'x' } })
  await refused(409, '/users', { user: { name: 'twin', password: 'x' } }, /twin/)
  await identity.make('POST', '/projects', { project: { name: 'twin' } })
  await refused(409, '/projects', { project: { name: 'twin' } }, /twin/)
  await refused(400, '/projects', { project: { name: 'x'.repeat(65) } }, /name/)
  await refused(400, '/users', { user: { name: 'x'.repeat(256) } }, /name/)
  await refused(400, '/projects', { project: { name: 5 } }, /name/)
  await refused(400, '/projects', { project: { name: 'e', enabled: 'yes' } }, /enabled/)
  const [one, two] = [
    await identity.make('POST', '/roles', { role: { name: 'one' } }),
    await identity.make('POST', '/roles', { role: { name: 'two' } }),
  ]
  await identity.make('PUT', `/roles/${one.id}/implies/${two.id}`)
  for (const [prior, implied] of [
    [two, one],
    [one, one],
  ]) {
    const answer = await identity.request('PUT', `/roles/${prior!.id}/implies/${implied!.id}`)
    assert.equal(answer.status, 403)
    assert.match(messageOf(answer), /that would be a cycle/)
  }
})
