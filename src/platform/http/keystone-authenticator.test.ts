import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientRequest, ClientResponse } from './client.ts'
import { keystoneAuthenticator } from './keystone-authenticator.ts'

const user = { id: 'u1', name: 'ann', domain: { id: 'default', name: 'Default' } }
const project = { id: 'p1', name: 'demo', domain: { id: 'default', name: 'Default' } }

/** A keystone that knows the token `good`, and the service token of the moment. */
function keystone() {
  const asked: ClientRequest[] = []
  const state = { serviceToken: 'service-1', isDown: false, now: Date.parse('2026-01-01T00:00:00Z') }
  const answer = (request: ClientRequest): ClientResponse => {
    asked.push(request)
    if (state.isDown) return { status: 503, headers: {}, body: {} }
    const headers = request.headers ?? {}
    if (headers['X-Auth-Token'] !== state.serviceToken) return { status: 401, headers: {}, body: {} }
    const isLate = request.path.includes('allow_expired=1')
    if (headers['X-Subject-Token'] !== 'good' && !(headers['X-Subject-Token'] === 'late' && isLate))
      return { status: 404, headers: {}, body: {} }
    const token = {
      user,
      project,
      roles: [{ id: 'r', name: 'member' }],
      expires_at: '2026-01-01T00:10:00.000000Z',
      audit_ids: ['a1'],
      application_credential: {
        id: 'c1',
        access_rules: [{ service: 'compute', method: 'GET', path: '/v2.1/servers' }],
      },
    }
    return { status: 200, headers: {}, body: { token } }
  }
  let known = state.serviceToken
  const account = { token: async () => known, forget: () => void (known = state.serviceToken) }
  const authenticator = keystoneAuthenticator({
    identity: { send: async (request) => answer(request) },
    account,
    cacheS: 300,
    now: () => state.now,
  })
  return { asked, state, authenticator }
}

test('what keystone says of a token is what a request’s context is made of; it is asked once in the time', async () => {
  const { asked, state, authenticator } = keystone()
  const found = await authenticator.validate('good')
  assert.deepEqual([found?.userId, found?.projectId, found?.roles, found?.systemScope], ['u1', 'p1', ['member'], null])
  assert.deepEqual(found?.accessRules, [{ service: 'compute', method: 'GET', path: '/v2.1/servers' }])
  assert.equal(found?.token.reveal(), 'good')
  await Promise.all(['good', 'good', 'good'].map((token) => authenticator.validate(token)))
  assert.equal(asked.length, 1)
  assert.equal(asked[0]!.headers?.['OpenStack-Identity-Access-Rules'], '1.0')
  state.now += 301_000
  await authenticator.validate('good')
  assert.equal(asked.length, 2)
})

test('an answer is not kept beyond the end of its token', async () => {
  const { asked, state, authenticator } = keystone()
  state.now += 550_000
  await authenticator.validate('good')
  state.now += 60_000
  await authenticator.validate('good')
  assert.equal(asked.length, 2)
})

test('an unknown token is nobody’s, which is kept too; a token of the service that is old is replaced', async () => {
  const { asked, state, authenticator } = keystone()
  state.serviceToken = 'service-2'
  assert.equal(await authenticator.validate('bad'), null)
  assert.equal(asked.length, 2)
  assert.equal(await authenticator.validate('bad'), null)
  assert.equal(asked.length, 2)
})

test('a keystone that does not tell makes nobody valid or invalid, and is asked again', async () => {
  const { state, authenticator } = keystone()
  state.isDown = true
  await assert.rejects(authenticator.validate('good'), /Keystone does not tell/)
  state.isDown = false
  assert.equal((await authenticator.validate('good'))?.userId, 'u1')
})

test('a token that has expired is taken only where it is asked for', async () => {
  const { authenticator } = keystone()
  assert.equal(await authenticator.validate('late'), null)
  assert.equal((await authenticator.validate('late', { allowExpired: true }))?.userId, 'u1')
  assert.equal(await authenticator.validate('late'), null)
})
